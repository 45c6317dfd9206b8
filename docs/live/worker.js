// Inside the worker: the WebAssembly module, and the newest question. `answer(p)` of the page is a
// generator of pictures: coarse first, then fine. A newer question ends it, but never before its
// first picture: a slider that is dragged faster than the computation would show none.
'use strict';
let core = null, wanted = null, running = false;

function result(rc) {
  const memory = core.memory.buffer;
  if (rc !== 0) {
    const text = new Uint8Array(memory, core.message(), core.message_length());
    throw new Error(new TextDecoder().decode(text.slice()));
  }
  return {
    numbers: new Float64Array(memory, core.numbers(), core.numbers_length()).slice(),
    bytes: new Uint8Array(memory, core.bytes(), core.bytes_length()).slice(),
  };
}

function give(values) {
  const at = core.input(values.length);
  new Float64Array(core.memory.buffer, at, values.length).set(values);
}

// One call: what it found, or an Error with the reason of the core.
function call(name, ...given) {
  return result(core[name](...given));
}

const channel = new MessageChannel();
let resume = null;
channel.port1.onmessage = () => resume();
// Lets messages in.
const pause = () => new Promise(done => { resume = done; channel.port2.postMessage(0); });

async function run() {
  if (running) return;
  running = true;
  while (wanted) {
    const question = wanted;
    wanted = null;
    try {
      for (const found of answer(question.parameters)) {
        if (found) postMessage({ number: question.number, found });
        await pause();
        if (wanted) break;
      }
      postMessage({ number: question.number, done: true });
    } catch (error) {
      postMessage({ number: question.number, error: error.message });
    }
  }
  running = false;
}

onmessage = async ({ data }) => {
  if (data.module) {
    try {
      core = (await WebAssembly.instantiate(data.module, {})).instance.exports;
      postMessage({ ready: true });
    } catch (error) {
      postMessage({ failed: error.message });
    }
  } else if (data.call) {
    try {
      if (data.input) give(data.input);
      postMessage({ number: data.number, found: call(data.call, ...data.given), done: true });
    } catch (error) {
      postMessage({ number: data.number, error: error.message });
    }
  } else {
    wanted = data;
    run();
  }
};
