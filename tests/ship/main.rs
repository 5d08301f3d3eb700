//! The whole ship: GraphQL in, GraphQL out, on a real PostgreSQL, and the rules of the house.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![expect(unreachable_pub, reason = "what the modules of one test binary share is for them alone")]

mod access;
mod admission;
mod api;
mod batches;
mod bi;
mod bi_program;
mod bi_walls;
mod bounds;
mod catalogue;
mod corpus;
mod corrections;
mod crashes;
mod crossings;
mod drill_down;
mod ending;
mod examples;
mod exports;
#[cfg(feature = "field-data")]
mod field_data;
mod fixtures;
mod funnels;
mod generated;
mod harness;
mod histories;
mod hostile;
mod house_rules;
mod import_moves;
mod import_reading;
mod import_reverts;
mod importing;
mod isolation;
mod logins;
mod mistakes;
mod own;
mod plans;
mod process;
mod racing;
mod resilience;
mod source;
mod starting;
mod statements;
mod tampering;
mod trees;
mod walls;
mod waterfalls;
