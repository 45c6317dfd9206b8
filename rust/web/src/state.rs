//! What lives between two calls, and the buffers through which a page reads.

use crate::lattices::{Dimers, Ising, Rsmi};
use crate::machines::Chains;
use std::cell::RefCell;

/// Everything that a page holds.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) numbers: Vec<f64>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) input: Vec<f64>,
    message: String,
    pub(crate) ising: Option<Ising>,
    pub(crate) dimers: Option<Dimers>,
    pub(crate) rsmi: Option<Rsmi>,
    pub(crate) chains: Option<Chains>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Runs a call: 0, or 1 with a message.
pub(crate) fn call<E: std::fmt::Display>(work: impl FnOnce(&mut State) -> Result<(), E>) -> u32 {
    STATE.with_borrow_mut(|state| {
        state.numbers.clear();
        state.bytes.clear();
        match work(state) {
            Ok(()) => 0,
            Err(error) => {
                state.message = error.to_string();
                1
            }
        }
    })
}

/// What is missing when a page calls in the wrong order.
pub(crate) fn present<T>(found: &mut Option<T>) -> Result<&mut T, String> {
    found
        .as_mut()
        .ok_or_else(|| "nothing was made yet: call the function that ends in _new".to_owned())
}

/// Room for so many numbers, which the next call reads.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> *mut f64 {
    STATE.with_borrow_mut(|state| {
        state.input.clear();
        state.input.resize(length, 0.0);
        state.input.as_mut_ptr()
    })
}

/// The numbers that the last call found.
#[unsafe(no_mangle)]
pub extern "C" fn numbers() -> *const f64 {
    STATE.with_borrow(|state| state.numbers.as_ptr())
}

/// How many there are.
#[unsafe(no_mangle)]
pub extern "C" fn numbers_length() -> usize {
    STATE.with_borrow(|state| state.numbers.len())
}

/// The bytes that the last call found.
#[unsafe(no_mangle)]
pub extern "C" fn bytes() -> *const u8 {
    STATE.with_borrow(|state| state.bytes.as_ptr())
}

/// How many there are.
#[unsafe(no_mangle)]
pub extern "C" fn bytes_length() -> usize {
    STATE.with_borrow(|state| state.bytes.len())
}

/// Why the last call failed, in UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn message() -> *const u8 {
    STATE.with_borrow(|state| state.message.as_ptr())
}

/// How many bytes that is.
#[unsafe(no_mangle)]
pub extern "C" fn message_length() -> usize {
    STATE.with_borrow(|state| state.message.len())
}
