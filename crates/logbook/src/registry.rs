use crate::{
    slice::{Slice, Table},
    stream::{AnyStream, Stream},
};
use std::collections::BTreeMap;
use units::Zone;
use uuid::Uuid;

/// The slices that a log knows.
#[derive(Default)]
pub struct Registry {
    slices: BTreeMap<&'static str, Entry>,
}

pub(crate) struct Entry {
    pub(crate) tables: &'static [Table],
    pub(crate) snapshots: bool,
    empty: fn(Uuid, Zone) -> Box<dyn AnyStream>,
}

impl Registry {
    /// With this slice too.
    #[must_use]
    pub fn with<S: Slice>(mut self) -> Self {
        let entry = Entry {
            tables: S::TABLES,
            snapshots: S::default().snapshot().is_some(),
            empty: |id, zone| Box::new(Stream::<S>::new(id, zone)),
        };
        self.slices.insert(S::KIND, entry);
        self
    }

    /// The names of the slices, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.slices.keys().copied()
    }

    /// The history tables of all slices.
    pub fn tables(&self) -> impl Iterator<Item = &'static Table> {
        self.slices.values().flat_map(|entry| entry.tables)
    }

    /// The slice's own name for a stored kind.
    pub fn kind_of(&self, stored: &str) -> Option<&'static str> {
        self.slices.get_key_value(stored).map(|(kind, _)| *kind)
    }

    /// The place of a slice's first table among the tables of all slices.
    pub(crate) fn first_table(&self, kind: &str) -> usize {
        self.slices.range(..kind).map(|(_, entry)| entry.tables.len()).sum()
    }

    pub(crate) fn entry(&self, kind: &str) -> &Entry {
        self.slices.get(kind).expect("every stream of the log is of a slice that is listed")
    }

    pub(crate) fn empty(&self, kind: &str, id: Uuid, zone: Zone) -> Box<dyn AnyStream> {
        (self.entry(kind).empty)(id, zone)
    }
}
