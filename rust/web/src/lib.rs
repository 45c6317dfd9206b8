//! What the pages in the browser call: the physics crates behind plain WebAssembly exports.
//!
//! A page talks to one instance in a worker of its own. Every call takes numbers, returns 0 or, when
//! it failed, 1, and leaves what it found in three buffers: numbers, bytes, and a message. Arrays go
//! in through [`input`]. There is no physics here, and nothing is shared between threads.

mod impurities;
mod lattices;
mod machines;
mod state;

pub use impurities::{impurity_learn, impurity_solve};
pub use lattices::{
    dimers_advance, dimers_exact, dimers_new, dimers_picture, ising_advance, ising_exact,
    ising_new, ising_picture, ising_set, ising_sweep, rsmi_information, rsmi_new, rsmi_sample,
};
pub use machines::{machine_exact, machine_new, machine_sample};
pub use state::{bytes, bytes_length, input, message, message_length, numbers, numbers_length};
