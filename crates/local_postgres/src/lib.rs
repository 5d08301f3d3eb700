//! A PostgreSQL of our own: finds the binaries of this machine and runs a private cluster in a folder, over a Unix
//! socket. The program uses it when nobody names a database, and so do the tests.
//!
//! A folder holds `data` (PostgreSQL's), `s` (its socket), `pg_hba.conf` (who may log in how), `postgres.log`,
//! `running_version` (which binaries were started) and three locks: `server.lock` of the one server, `users.lock` shared
//! by everybody who uses the cluster, and `start.lock` under which it is started and stopped.

mod binaries;
mod cluster;
mod copies;
mod error;
mod owner;
mod postmaster;
pub mod testing;

pub use binaries::Binaries;
pub use cluster::{Cluster, Listen, Settings, data_folder};
pub use error::Error;
