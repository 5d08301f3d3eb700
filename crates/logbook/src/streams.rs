use crate::{
    envelope::StreamRef,
    slice::Slice,
    stream::{AnyStream, Stream},
};
use std::collections::HashMap;
use units::Instant;
use uuid::Uuid;

/// Streams that a batch of commands loaded.
#[derive(Default)]
pub struct Streams {
    loaded: HashMap<StreamRef, Box<dyn AnyStream>>,
}

impl Streams {
    /// The state of another stream at an instant, as known at the head; `None` while nothing happened to it.
    pub fn state<S: Slice>(&self, id: Uuid, effective: Instant) -> Option<S> {
        let stream = self.loaded.get(&StreamRef { kind: S::KIND, id })?;
        stream.as_any().downcast_ref::<Stream<S>>()?.state_at(effective)
    }

    /// A loaded stream, as its own type.
    pub fn stream<S: Slice>(&self, id: Uuid) -> Option<&Stream<S>> {
        self.loaded.get(&StreamRef { kind: S::KIND, id })?.as_any().downcast_ref()
    }

    pub(crate) fn holds(&self, stream: &StreamRef) -> bool {
        self.loaded.contains_key(stream)
    }

    pub(crate) fn get(&self, stream: &StreamRef) -> Option<&dyn AnyStream> {
        self.loaded.get(stream).map(|stream| &**stream)
    }

    pub(crate) fn get_mut(&mut self, stream: &StreamRef) -> Option<&mut Box<dyn AnyStream>> {
        self.loaded.get_mut(stream)
    }

    pub(crate) fn forget(&mut self, stream: &StreamRef) {
        self.loaded.remove(stream);
    }

    pub(crate) fn put(&mut self, key: StreamRef, stream: Box<dyn AnyStream>) {
        self.loaded.insert(key, stream);
    }
}
