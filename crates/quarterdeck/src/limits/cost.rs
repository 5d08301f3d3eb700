//! The cost of an operation: the objects that it may bring, plus what a question of its own costs. It is counted from the
//! schema's definition, so that no field can be forgotten, before anything runs; a list costs as many times its content
//! as `first` or `last` say.

use async_graphql::{
    Name, Value, Variables,
    parser::{
        parse_schema,
        types::{
            BaseType, ExecutableDocument, Field, FieldDefinition, OperationDefinition, OperationType, Selection,
            SelectionSet, Type, TypeKind, TypeSystemDefinition,
        },
    },
};
use std::{collections::HashMap, sync::LazyLock};

/// What a question or a command costs by itself: a statement of its own, or a command's transaction.
const ROOT: u64 = 10;
/// What a board costs by itself: it reads every deal that its filter lets through.
const BOARD: u64 = 100;
/// Rows of a page when neither `first` nor `last` is given.
const PAGE_SIZE: u64 = 25;
/// Rows of a page at most.
const PAGE_SIZE_MAX: u64 = 100;
/// Objects of the introspection that cost as much as one of ours: they are read from memory.
const INTROSPECTED_PER_UNIT: u64 = 10;
/// How long a list is taken to be that is not listed below; the tests see to it that there is none.
const UNLISTED: u64 = 100;

/// Questions that cost more than [`ROOT`].
const BOARDS: &[&str] =
    &["dealMetrics", "stageVisits", "pipelineWaterfall", "winRates", "stageConversion", "stageTimes", "velocity"];

/// How many objects the lists without `first` are taken to bring: a usual number, not the most there can be.
const LISTS: &[(&str, u64)] = &[
    ("Account.changes", 20),
    ("Account.children", 10),
    ("Change.fields", 5),
    ("Conversion.outcomes", 3),
    ("Deal.changes", 20),
    ("DealFigures.winRateBroadByValue", 2),
    ("DealFigures.winRateByValue", 2),
    ("DealGroup.keys", 2),
    ("DealMetrics.groups", 20),
    ("DealSum.amounts", 2),
    ("DealSum.average", 2),
    ("FlowSum.amounts", 2),
    ("GrossLine.amounts", 2),
    ("GrossWaterfall.lines", 8),
    ("Login.changes", 2),
    ("MemoLine.amounts", 2),
    ("Person.changes", 20),
    ("Person.managerChanges", 20),
    ("Person.reports", 10),
    ("Pipeline.changes", 20),
    ("Pipeline.stages", 8),
    ("PipelineWaterfall.categoryFlow", 12),
    ("PipelineWaterfall.lines", 8),
    ("PipelineWaterfall.memo", 3),
    ("Product.changes", 20),
    ("Query.stageVisits", 8),
    ("Snapshot.stageVisits", 8),
    ("Stage.changes", 20),
    ("StageConversions.stages", 8),
    ("StageTimes.stages", 8),
    ("Team.changes", 20),
    ("Team.children", 5),
    ("Team.members", 10),
    ("Velocity.byCurrency", 2),
    ("WaterfallDeal.amounts", 2),
    ("WaterfallLine.amounts", 2),
    ("WinRates.broadByValue", 2),
    ("WinRates.narrowByValue", 2),
    ("WinRates.outcomes", 3),
];

/// What GraphQL itself adds to every schema: reading it is priced by the true number of its parts.
const INTROSPECTION: &str = "
    type __Schema { types: [__Type] queryType: __Type mutationType: __Type subscriptionType: __Type
                    directives: [__Directive] }
    type __Type { fields: [__Field] interfaces: [__Type] possibleTypes: [__Type] enumValues: [__EnumValue]
                  inputFields: [__InputValue] ofType: __Type }
    type __Field { args: [__InputValue] type: __Type }
    type __InputValue { type: __Type }
    type __EnumValue { name: ID }
    type __Directive { args: [__InputValue] }";

/// How many objects a field brings for each object that it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Size {
    /// One, or none.
    One,
    /// A page: the rows of what is selected under `nodes` and `edges`.
    Page,
    /// The rows of the page around it.
    Rows,
    /// As many as this argument names.
    Named(&'static str),
    /// Its usual number, in hundredths.
    Usual(u64),
}

#[derive(Clone, Debug)]
struct Priced {
    /// The type of its objects; `None` for a leaf, which costs nothing.
    of: Option<String>,
    size: Size,
    own: u64,
}

/// The prices of a schema's fields.
pub struct Prices {
    types: HashMap<String, HashMap<String, Priced>>,
    /// Lists that are in no table above.
    unlisted: Vec<String>,
}

impl Prices {
    /// The prices of the house's schema, worked out once.
    pub fn of_the_schema() -> &'static Self {
        static PRICES: LazyLock<Prices> = LazyLock::new(|| {
            Prices::of(&crate::schema::sdl()).expect("the schema's definition is a schema: a test holds it to that")
        });
        &PRICES
    }

    /// The prices of the schema that a text defines.
    ///
    /// # Errors
    /// When it is no schema, in the parser's words.
    pub fn of(sdl: &str) -> Result<Self, String> {
        let own = objects(sdl)?;
        let usual = usual_introspection(sdl)?;
        let mut prices = Self { types: HashMap::new(), unlisted: Vec::new() };
        let introspection = objects(INTROSPECTION)?;
        let known = |name: &str| own.contains_key(name) || introspection.contains_key(name);
        for (kind, fields) in own.iter().chain(&introspection) {
            let mut priced = HashMap::new();
            for field in fields {
                let name = field.name.node.to_string();
                let of = innermost(&field.ty.node);
                let of = known(of).then(|| of.to_owned());
                let size = match &of {
                    None => Size::One,
                    Some(of) => size(kind, field, of, &usual).unwrap_or_else(|| {
                        prices.unlisted.push(format!("{kind}.{name}"));
                        Size::Usual(UNLISTED * 100)
                    }),
                };
                let root = ["Query", "Mutation", "Snapshot"].contains(&kind.as_str()) && of.is_some();
                let own = match () {
                    () if !root => 0,
                    () if BOARDS.contains(&name.as_str()) => BOARD,
                    () => ROOT,
                };
                priced.insert(name, Priced { of, size, own });
            }
            prices.types.insert(kind.clone(), priced);
        }
        prices.unlisted.sort();
        if let Some(query) = prices.types.get_mut("Query") {
            for (name, of) in [("__schema", "__Schema"), ("__type", "__Type")] {
                query.insert(name.to_owned(), Priced { of: Some(of.to_owned()), size: Size::One, own: ROOT });
            }
        }
        Ok(prices)
    }

    /// The lists of objects whose length nobody has said.
    pub fn unlisted(&self) -> &[String] {
        &self.unlisted
    }

    /// The entries of the table of lists that name no list of the schema.
    pub fn needless(&self) -> Vec<&'static str> {
        let listed = |name: &str| {
            let (kind, field) = name.split_once('.')?;
            self.types.get(kind)?.get(field).filter(|field| matches!(field.size, Size::Usual(_)))
        };
        LISTS.iter().map(|(name, _)| *name).filter(|name| listed(name).is_none()).collect()
    }

    /// What an operation costs. What validation will refuse costs nothing here.
    pub fn cost(&self, document: &ExecutableDocument, operation: &OperationDefinition, variables: &Variables) -> u64 {
        let mut walk = Walk { prices: self, document, operation, variables, fragments: HashMap::new() };
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        walk.set(root, &operation.selection_set.node).total(1)
    }
}

/// A selection set's cost: once, and for each row of the page that it stands on. Introspection is counted apart, in
/// objects.
#[derive(Clone, Copy, Default)]
struct Cost {
    once: u64,
    per_row: u64,
    introspected: u64,
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.once = self.once.saturating_add(other.once);
        self.per_row = self.per_row.saturating_add(other.per_row);
        self.introspected = self.introspected.saturating_add(other.introspected);
    }

    fn total(self, rows: u64) -> u64 {
        let introspected = self.introspected.div_ceil(INTROSPECTED_PER_UNIT);
        self.once.saturating_add(self.per_row.saturating_mul(rows)).saturating_add(introspected)
    }
}

struct Walk<'a> {
    prices: &'a Prices,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    /// The cost of each fragment on its own type.
    fragments: HashMap<&'a str, Cost>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, on: &str, set: &'a SelectionSet) -> Cost {
        let mut cost = Cost::default();
        for selection in &set.items {
            cost.add(match &selection.node {
                Selection::Field(field) => self.field(on, &field.node),
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(on, |condition| condition.node.on.node.as_str());
                    self.set(on, &inline.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            });
        }
        cost
    }

    /// A fragment is counted once: its type is its own, and a page's rows are multiplied where the page is.
    fn fragment(&mut self, name: &Name) -> Cost {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Cost::default() };
        if let Some(cost) = self.fragments.get(name.as_str()) {
            return *cost;
        }
        // Circles were refused before; should one come this far, it costs nothing the second time round.
        self.fragments.insert(name, Cost::default());
        let cost = self.set(fragment.node.type_condition.node.on.node.as_str(), &fragment.node.selection_set.node);
        self.fragments.insert(name, cost);
        cost
    }

    fn field(&mut self, on: &str, field: &'a Field) -> Cost {
        let priced = self.prices.types.get(on).and_then(|fields| fields.get(field.name.node.as_str()));
        let Some(Priced { of: Some(of), size, own }) = priced else { return Cost::default() };
        let below = self.set(of, &field.selection_set.node);
        let own = *own;
        if of.starts_with("__") {
            let hundredths = match size {
                Size::Usual(hundredths) => *hundredths,
                _ => 100,
            };
            let introspected = below.introspected.saturating_add(1).saturating_mul(hundredths).div_ceil(100);
            return Cost { once: own, introspected, ..Cost::default() };
        }
        let one = below.once.saturating_add(1);
        let (once, per_row) = match size {
            Size::One => (one, 0),
            Size::Rows => (0, one),
            Size::Page => (below.total(self.page(field)).saturating_add(1), 0),
            Size::Named(argument) => (one.saturating_mul(self.named(field, argument)), 0),
            Size::Usual(hundredths) => (one.saturating_mul(*hundredths).div_ceil(100), 0),
        };
        Cost { once: once.saturating_add(own), per_row, introspected: below.introspected }
    }

    fn page(&self, field: &'a Field) -> u64 {
        let asked = ["first", "last"].iter().find_map(|name| self.argument(field, name));
        match asked {
            None | Some(Value::Null) => PAGE_SIZE,
            Some(Value::Number(number)) => {
                number.as_i64().map_or(PAGE_SIZE_MAX, |rows| u64::try_from(rows).unwrap_or(0).clamp(1, PAGE_SIZE_MAX))
            }
            Some(_) => PAGE_SIZE_MAX,
        }
    }

    fn named(&self, field: &'a Field, argument: &str) -> u64 {
        match self.argument(field, argument) {
            Some(Value::List(list)) => list.len() as u64,
            _ => 1,
        }
    }

    /// An argument's value, out of the variables where it is one; `None` when it is not given.
    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let (_, value) = field.arguments.iter().find(|(given, _)| given.node.as_str() == name)?;
        let resolved = value.node.clone().into_const_with(|variable| {
            let definitions = &self.operation.variable_definitions;
            let default = || {
                let definition = definitions.iter().find(|definition| definition.node.name.node == variable)?;
                definition.node.default_value.as_ref().map(|value| value.node.clone())
            };
            Ok::<_, ()>(self.variables.get(&variable).cloned().or_else(default).unwrap_or(Value::Null))
        });
        resolved.ok()
    }
}

/// The size of a field that brings objects; `None` when nobody has said it.
fn size(kind: &str, field: &FieldDefinition, of: &str, usual: &HashMap<&str, u64>) -> Option<Size> {
    let name = field.name.node.as_str();
    if of.ends_with("Connection") {
        return Some(Size::Page);
    }
    if !is_list(&field.ty.node) {
        return Some(Size::One);
    }
    if kind.ends_with("Connection") && ["nodes", "edges"].contains(&name) {
        return Some(Size::Rows);
    }
    if kind.starts_with("__") {
        return usual.get(name).map(|hundredths| Size::Usual(*hundredths));
    }
    if name == "nodes" && field.arguments.iter().any(|argument| argument.node.name.node == "ids") {
        return Some(Size::Named("ids"));
    }
    if name == "userErrors" {
        return Some(Size::Usual(100));
    }
    let full = format!("{kind}.{name}");
    LISTS.iter().find(|(listed, _)| *listed == full).map(|(_, length)| Size::Usual(length * 100))
}

fn is_list(kind: &Type) -> bool {
    matches!(kind.base, BaseType::List(_))
}

fn innermost(kind: &Type) -> &str {
    match &kind.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => innermost(inner),
    }
}

/// The fields of each object and interface that a schema defines; a union has none.
fn objects(sdl: &str) -> Result<HashMap<String, Vec<FieldDefinition>>, String> {
    let mut objects = HashMap::new();
    for (name, kind) in definitions(sdl)? {
        let fields = match kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            TypeKind::Union(_) => Vec::new(),
            _ => continue,
        };
        objects.insert(name, fields.into_iter().map(|field| field.node).collect());
    }
    Ok(objects)
}

fn definitions(sdl: &str) -> Result<Vec<(String, TypeKind)>, String> {
    let document = parse_schema(sdl).map_err(|error| error.to_string())?;
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(kind) => Some((kind.node.name.node.to_string(), kind.node.kind)),
        _ => None,
    });
    Ok(types.collect())
}

/// How long the lists of the introspection are on average, in hundredths.
fn usual_introspection(sdl: &str) -> Result<HashMap<&'static str, u64>, String> {
    let definitions = definitions(sdl)?;
    let (mut fields, mut arguments, mut inputs, mut values) = (0_u64, 0_u64, 0_u64, 0_u64);
    for (_, kind) in &definitions {
        match kind {
            TypeKind::Object(object) => {
                fields += object.fields.len() as u64;
                arguments += object.fields.iter().map(|field| field.node.arguments.len() as u64).sum::<u64>();
            }
            TypeKind::Interface(interface) => fields += interface.fields.len() as u64,
            TypeKind::InputObject(input) => inputs += input.fields.len() as u64,
            TypeKind::Enum(choice) => values += choice.values.len() as u64,
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    let types = definitions.len() as u64 + 13; // GraphQL's own, which the definition leaves out
    let mean = |parts: u64, of: u64| (parts * 100).div_ceil(of.max(1));
    Ok(HashMap::from([
        ("types", types * 100),
        ("directives", 500),
        ("fields", mean(fields, types)),
        ("args", mean(arguments, fields)),
        ("inputFields", mean(inputs, types)),
        ("enumValues", mean(values, types)),
        ("interfaces", 100),
        ("possibleTypes", 100),
    ]))
}
