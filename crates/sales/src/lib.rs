//! The sales organisation: one folder per concept, and the questions that span them. This page is the table of contents.
#![recursion_limit = "256"]

// Concepts.
pub mod account;
pub mod act;
pub mod deal;
pub mod login;
pub mod person;
pub mod pipeline;
pub mod product;
pub mod reporting;
pub mod team;

// Questions that span them, and how what moved between two instants is told apart.
pub mod boards;
pub mod flow;

// What several concepts share.
pub mod access;
mod ascent;
pub mod category;
mod facts;
pub mod graph;
#[cfg(test)]
mod samples;
mod schedule;
mod span;

/// The slices that the log knows.
pub fn registry() -> logbook::Registry {
    logbook::Registry::default()
        .with::<account::Account>()
        .with::<act::Act>()
        .with::<deal::Deal>()
        .with::<login::State>()
        .with::<person::Person>()
        .with::<pipeline::Pipeline>()
        .with::<product::Product>()
        .with::<reporting::Reporting>()
        .with::<team::Teams>()
}
