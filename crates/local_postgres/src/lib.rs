//! A PostgreSQL of our own: finds the binaries of this machine and runs a private cluster in a folder, over a Unix
//! socket. The program uses it when nobody names a database, and so do the tests.

mod binaries;
mod cluster;
mod copies;
mod error;
mod owner;
pub mod testing;

pub use binaries::Binaries;
pub use cluster::{Cluster, Settings, data_folder};
pub use error::Error;
