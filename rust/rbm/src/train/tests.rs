use super::*;
use kadanoff_runtime::with_threads;

fn start(visible: usize, hidden: usize) -> State {
    let size = visible * hidden + visible + hidden;
    State {
        visible,
        hidden,
        units: (Units::Spin, Units::Binary),
        parameters: (0..size).map(|i| 0.01 * (i % 7) as f32).collect(),
        first: vec![0.0; size],
        second: vec![0.0; size],
        offsets: vec![0.0; visible + hidden],
        chains: Vec::new(),
        base: Vec::new(),
        updates: 0,
        epochs: 0,
    }
}

fn options(batch: usize) -> Options {
    Options {
        negative: Negative::Contrastive,
        steps: 1,
        batch,
        rates: vec![0.1, 0.05],
        optimizer: Optimizer::Momentum(0.3),
        decay: 0.01,
        centered: true,
        seed: 7,
    }
}

fn data(samples: usize) -> Vec<u64> {
    (0..samples as u64).map(random::mix).collect()
}

#[test]
fn threads_leave_every_bit() {
    let data = data(3000);
    let run = |threads| {
        let mut state = start(64, 50);
        let outcome = with_threads(Some(threads), || {
            train(
                &mut state,
                &data,
                &options(1000),
                &Control::new(),
                &mut Vec::new(),
            )
        });
        outcome.unwrap().unwrap();
        state
    };
    let first = run(1);
    assert_eq!(first, run(2));
    assert_eq!(first, run(3));
}

#[test]
fn an_order_is_a_permutation_of_its_epoch() {
    let mut order: Vec<u32> = (0..1000).collect();
    shuffle(&mut order, 1, 0);
    let first = order.clone();
    shuffle(&mut order, 1, 1);
    assert_ne!(first, order);
    shuffle(&mut order, 1, 0);
    assert_eq!(first, order);
    order.sort_unstable();
    assert_eq!(order, (0..1000).collect::<Vec<u32>>());
}

#[test]
fn a_stop_leaves_whole_updates() {
    let control = Control::new();
    control.cancel();
    let mut state = start(10, 5);
    let before = state.clone();
    let outcome = train(
        &mut state,
        &data(10),
        &options(4),
        &control,
        &mut Vec::new(),
    );
    assert_eq!(outcome, Err(Error::Cancelled(kadanoff_runtime::Cancelled)));
    assert_eq!(state, before);
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    let bad = |change: fn(&mut State)| {
        let mut state = start(10, 5);
        change(&mut state);
        let mut done = Vec::new();
        train(
            &mut state,
            &data(10),
            &options(4),
            &Control::new(),
            &mut done,
        )
    };
    assert!(matches!(bad(|s| s.hidden = 6), Err(Error::Argument(_))));
    assert!(matches!(
        bad(|s| s.base = vec![0.0]),
        Err(Error::Argument(_))
    ));
    assert!(matches!(
        bad(|s| s.offsets.clear()),
        Err(Error::Argument(_))
    ));
    let mut state = start(10, 5);
    let persistent = Options {
        negative: Negative::Persistent,
        ..options(4)
    };
    let outcome = train(
        &mut state,
        &data(10),
        &persistent,
        &Control::new(),
        &mut Vec::new(),
    );
    assert!(matches!(outcome, Err(Error::Argument(_))));
    let outcome = train(
        &mut state,
        &[],
        &options(4),
        &Control::new(),
        &mut Vec::new(),
    );
    assert!(matches!(outcome, Err(Error::Argument(_))));
    let outcome = train(
        &mut state,
        &data(3),
        &options(0),
        &Control::new(),
        &mut Vec::new(),
    );
    assert!(matches!(outcome, Err(Error::Argument(_))));
}
