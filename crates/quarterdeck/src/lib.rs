//! The program: command line, configuration, connections, HTTP, and the schema put together.

mod cli;
mod commands;
pub mod database;
pub mod demo;
mod examples;
pub mod http;
pub mod identity;
pub mod limits;
pub mod reaching;
pub mod schema;
pub mod server;
mod signals;

pub use cli::main;
