//! The shape of an operation, counted on the parsed document. A fragment is measured once and its measure added wherever
//! it is spread, so that a document of a few lines that unfolds into millions of fields is counted in no time.

use super::{Exceeded, Limits};
use async_graphql::{
    Name, Positioned,
    parser::types::{
        Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};
use std::collections::HashMap;

/// Lists of the introspection that lead from a type to others. One inside another leads round in circles.
const WAYS_TO_TYPES: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
/// How many of them may be nested: one, as every tool asks.
const WAYS_MAX: u64 = 1;

/// How many fragments may stand one inside the other: this walk descends with them, and so does the executor, which gives
/// up at 32.
const FRAGMENTS_NESTED_MAX: u64 = 30;

/// Why an operation is refused for its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misshapen {
    /// It is too large.
    Large(Exceeded),
    /// A fragment spreads itself.
    Circle,
    /// It asks what the schema is made of, and that is not told.
    Introspection,
}

/// What a selection set comes to, fragments unfolded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Measure {
    depth: u64,
    fields: u64,
    /// Fields of this very level.
    here: u64,
    aliases: u64,
    directives: u64,
    /// The most fragments, one inside the other.
    nested: u64,
    /// The most lists that lead to types, one inside the other.
    ways: u64,
    /// The same, of what stands below `__schema` and `__type`.
    introspection_ways: u64,
    introspects: bool,
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.fields = self.fields.saturating_add(other.fields);
        self.here = self.here.saturating_add(other.here);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.nested = self.nested.max(other.nested);
        self.ways = self.ways.max(other.ways);
        self.introspection_ways = self.introspection_ways.max(other.introspection_ways);
        self.introspects |= other.introspects;
    }
}

/// Admits a document by its shape. All of its operations are measured: the parser and the rules of validation read
/// them all, whichever is executed.
///
/// # Errors
/// When it is too large, goes round in circles, or asks what is not told.
pub fn admit(document: &ExecutableDocument, limits: &Limits, introspection: bool) -> Result<(), Misshapen> {
    let mut walk = Walk { document, fragments: HashMap::new(), nested: 0 };
    for name in document.fragments.keys() {
        walk.fragment(name)?;
    }
    let mut whole = Measure::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let mut measure = walk.set(&operation.selection_set.node)?;
        measure.directives = measure.directives.saturating_add(directives(operation));
        let (limit, max) = match operation.ty {
            OperationType::Mutation => ("commands", limits.commands),
            OperationType::Query | OperationType::Subscription => ("root fields", limits.root_fields),
        };
        Exceeded::beyond("depth", limits.depth, measure.depth).map_err(Misshapen::Large)?;
        Exceeded::beyond(limit, max, measure.here).map_err(Misshapen::Large)?;
        whole.add(measure);
    }
    for (limit, max, actual) in [
        ("aliases", limits.aliases, whole.aliases),
        ("directives", limits.directives, whole.directives),
        ("fields", limits.fields, whole.fields),
        ("lists of types inside lists of types", WAYS_MAX, whole.introspection_ways),
    ] {
        Exceeded::beyond(limit, max, actual).map_err(Misshapen::Large)?;
    }
    if whole.introspects && !introspection { Err(Misshapen::Introspection) } else { Ok(()) }
}

fn directives(operation: &OperationDefinition) -> u64 {
    let variables = operation.variable_definitions.iter().map(|variable| variable.node.directives.len()).sum::<usize>();
    (operation.directives.len() + variables) as u64
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    /// What is known of a fragment; `None` while it is being measured, so that it is found when it spreads itself.
    fragments: HashMap<&'a str, Option<Measure>>,
    /// Fragments that are being measured.
    nested: u64,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Measure, Misshapen> {
        let mut measure = Measure::default();
        for selection in &set.items {
            let (directives, inner): (&[Positioned<Directive>], _) = match &selection.node {
                Selection::Field(field) => (&field.node.directives, self.field(&field.node)?),
                Selection::InlineFragment(inline) => {
                    (&inline.node.directives, self.set(&inline.node.selection_set.node)?)
                }
                Selection::FragmentSpread(spread) => {
                    // A spread counts as a field, or a bomb of empty fragments would weigh nothing.
                    measure.fields = measure.fields.saturating_add(1);
                    (&spread.node.directives, self.fragment(&spread.node.fragment_name.node)?)
                }
            };
            measure.add(inner);
            measure.directives = measure.directives.saturating_add(directives.len() as u64);
        }
        Ok(measure)
    }

    fn field(&mut self, field: &'a Field) -> Result<Measure, Misshapen> {
        let below = self.set(&field.selection_set.node)?;
        let name = field.name.node.as_str();
        let introspects = ["__schema", "__type"].contains(&name);
        let way = u64::from(WAYS_TO_TYPES.contains(&name));
        Ok(Measure {
            depth: below.depth.saturating_add(1),
            fields: below.fields.saturating_add(1),
            here: 1,
            aliases: below.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: below.directives,
            nested: below.nested,
            ways: below.ways.saturating_add(way),
            introspection_ways: below.introspection_ways.max(if introspects { below.ways } else { 0 }),
            introspects: below.introspects || introspects,
        })
    }

    fn fragment(&mut self, name: &Name) -> Result<Measure, Misshapen> {
        // An unknown fragment is for validation to refuse.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Ok(Measure::default()) };
        match self.fragments.get(name.as_str()) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => return Err(Misshapen::Circle),
            None => {}
        }
        self.nested += 1;
        let bounded = |nested| Exceeded::beyond("fragments inside fragments", FRAGMENTS_NESTED_MAX, nested);
        bounded(self.nested).map_err(Misshapen::Large)?;
        self.fragments.insert(name, None);
        let mut measure = self.set(&fragment.node.selection_set.node)?;
        measure.directives = measure.directives.saturating_add(fragment.node.directives.len() as u64);
        // Of a chain that was measured piece by piece, the end first, this is what tells.
        measure.nested += 1;
        bounded(measure.nested).map_err(Misshapen::Large)?;
        self.fragments.insert(name, Some(measure));
        self.nested -= 1;
        Ok(measure)
    }
}
