//! Operations made of the schema by chance: every query, mutation, field and argument comes up, given time.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Chance that comes out the same for the same seed (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    /// Whether one in so many comes up.
    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What the values of arguments come from.
pub trait Values {
    /// The value of a scalar of a type, for an argument of a field, or a field of an input.
    fn scalar(&mut self, chance: &mut Chance, type_name: &str, holder: &str, name: &str) -> Value;
}

/// The types of a schema by their names.
pub struct Types(BTreeMap<String, Value>);

/// An operation and the values of its variables.
pub struct Operation {
    /// The document.
    pub document: String,
    /// Its variables.
    pub variables: Value,
    /// The mutation that it is, if it is one.
    pub mutation: Option<String>,
}

/// A document in the making.
struct Making<'a, V> {
    types: &'a Types,
    chance: &'a mut Chance,
    values: &'a mut V,
    declared: Vec<String>,
    variables: Map<String, Value>,
}

/// What differs from one asking to the next, whoever asks.
const FLEETING: &[&str] = &["Snapshot.effectiveAt"];
/// Levels of fields below the root.
const DEPTH_MAX: usize = 4;

impl Types {
    /// The types as introspection lists them.
    pub fn of(types: Vec<Value>) -> Self {
        Self(types.into_iter().map(|kind| (kind["name"].as_str().unwrap().to_owned(), kind)).collect())
    }

    /// The fields of an object or interface.
    pub fn fields(&self, name: &str) -> Vec<Value> {
        self.0[name]["fields"].as_array().cloned().unwrap_or_default()
    }

    /// An operation with values of a source.
    pub fn operation(&self, chance: &mut Chance, values: &mut impl Values) -> Operation {
        let mutates = chance.one_in(3);
        let (word, root) = if mutates { ("mutation", "Mutation") } else { ("query", "Query") };
        let mut making = Making { types: self, chance, values, declared: vec![], variables: Map::new() };
        let fields = self.fields(root);
        let field = making.chance.pick(&fields).clone();
        let chosen = making.field(&field, DEPTH_MAX);
        let declared = match &making.declared[..] {
            [] => String::new(),
            declared => format!("({})", declared.join(", ")),
        };
        Operation {
            document: format!("{word} Made{declared} {{ {chosen} }}"),
            variables: Value::Object(making.variables),
            mutation: mutates.then(|| field["name"].as_str().unwrap().to_owned()),
        }
    }

    /// The least value that an input takes: what it needs from a source by the names of its fields, null for the rest.
    pub fn least(&self, of: &Value, name: &str, source: &impl Fn(&str, &str) -> Value) -> Value {
        let inner = named(of);
        let kind = &self.0[inner];
        match kind["kind"].as_str().unwrap() {
            "INPUT_OBJECT" if kind["isOneOf"] == true => {
                let field = &kind["inputFields"][0];
                let name = field["name"].as_str().unwrap();
                json!({ name: self.least(&field["type"], name, source) })
            }
            "INPUT_OBJECT" => {
                let fields = kind["inputFields"].as_array().unwrap().iter();
                let given = fields.filter(|field| field["defaultValue"].is_null());
                let value = |field: &Value| {
                    let name = field["name"].as_str().unwrap();
                    let needed = field["type"]["kind"] == "NON_NULL";
                    let value = if needed { self.least(&field["type"], name, source) } else { Value::Null };
                    (name.to_owned(), value)
                };
                Value::Object(given.map(value).collect())
            }
            "ENUM" => kind["enumValues"][0]["name"].clone(),
            _ => source(inner, name),
        }
    }
}

/// The name of the type inside lists and non-nulls.
pub fn named(of: &Value) -> &str {
    let mut of = of;
    while !of["ofType"].is_null() {
        of = &of["ofType"];
    }
    of["name"].as_str().unwrap()
}

/// A type as documents write it.
fn written(of: &Value) -> String {
    match of["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&of["ofType"])),
        "LIST" => format!("[{}]", written(&of["ofType"])),
        _ => of["name"].as_str().unwrap().to_owned(),
    }
}

impl<V: Values> Making<'_, V> {
    /// A field with its arguments and what is selected of it.
    fn field(&mut self, field: &Value, depth: usize) -> String {
        let name = field["name"].as_str().unwrap();
        let mut arguments = Vec::new();
        for argument in field["args"].as_array().into_iter().flatten() {
            let needed = argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null();
            let argument_name = argument["name"].as_str().unwrap();
            // A page that goes both ways is refused before anything is read.
            let backward = ["last", "before"].contains(&argument_name);
            if !needed && (self.chance.one_in(2) || (backward && !self.chance.one_in(6))) {
                continue;
            }
            let variable = format!("v{}", self.variables.len());
            let value = self.value(&argument["type"], name, argument_name, 3);
            self.declared.push(format!("${variable}: {}", written(&argument["type"])));
            self.variables.insert(variable.clone(), value);
            arguments.push(format!("{argument_name}: ${variable}"));
        }
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let selection = self.selection(named(&field["type"]), depth.saturating_sub(1));
        format!("{name}{arguments}{selection}")
    }

    /// What is selected of a type; nothing of a scalar.
    fn selection(&mut self, type_name: &str, depth: usize) -> String {
        match self.types.0[type_name]["kind"].as_str().unwrap() {
            "OBJECT" => format!(" {{ {} }}", self.fields(type_name, depth)),
            "INTERFACE" | "UNION" => {
                let possible = self.types.0[type_name]["possibleTypes"].as_array().unwrap().clone();
                let one = |made: &mut Self, kind: &Value| {
                    let name = kind["name"].as_str().unwrap();
                    // One field of two types must be of one kind: aliases by type keep them apart.
                    let leaves =
                        made.leaves(name).into_iter().map(|leaf| format!("{}{leaf}: {leaf}", name.to_lowercase()));
                    format!("... on {name} {{ {} }}", leaves.collect::<Vec<_>>().join(" "))
                };
                let parts: Vec<_> = possible.iter().map(|kind| one(self, kind)).collect();
                format!(" {{ __typename {} }}", parts.join(" "))
            }
            _ => String::new(),
        }
    }

    fn leaves(&mut self, type_name: &str) -> Vec<String> {
        let fields = self.types.fields(type_name);
        let plain = fields.iter().filter(|field| {
            let inner = &self.types.0[named(&field["type"])];
            ["SCALAR", "ENUM"].contains(&inner["kind"].as_str().unwrap()) && field["args"] == json!([])
        });
        plain.map(|field| field["name"].as_str().unwrap().to_owned()).take(6).collect()
    }

    fn fields(&mut self, type_name: &str, depth: usize) -> String {
        let mut chosen = vec!["__typename".to_owned()];
        for field in self.types.fields(type_name) {
            let name = field["name"].as_str().unwrap();
            let inner = &self.types.0[named(&field["type"])];
            let leaf = ["SCALAR", "ENUM"].contains(&inner["kind"].as_str().unwrap());
            let told = ["nodes", "edges", "userErrors", "node", "pageInfo"].contains(&name);
            let wanted = if leaf { !self.chance.one_in(3) } else { depth > 0 && (told || self.chance.one_in(3)) };
            if wanted && !FLEETING.contains(&&*format!("{type_name}.{name}")) && chosen.len() < 12 {
                chosen.push(self.field(&field, depth));
            }
        }
        chosen.join(" ")
    }

    /// A value of an input type.
    fn value(&mut self, of: &Value, holder: &str, name: &str, depth: usize) -> Value {
        let types = self.types;
        match of["kind"].as_str().unwrap() {
            "NON_NULL" => self.value(&of["ofType"], holder, name, depth),
            "LIST" => {
                let many = 1 + self.chance.below(3);
                (0..many).map(|_| self.value(&of["ofType"], holder, name, depth)).collect()
            }
            "ENUM" => {
                let all = types.0[named(of)]["enumValues"].as_array().unwrap();
                self.chance.pick(all)["name"].clone()
            }
            "INPUT_OBJECT" => self.input(named(of), depth),
            _ => self.values.scalar(self.chance, named(of), holder, name),
        }
    }

    fn input(&mut self, type_name: &str, depth: usize) -> Value {
        let types = self.types;
        let fields = types.0[type_name]["inputFields"].as_array().unwrap();
        if types.0[type_name]["isOneOf"] == true {
            let field = self.chance.pick(fields);
            let name = field["name"].as_str().unwrap();
            let value = self.value(&field["type"], type_name, name, depth);
            return json!({ name: value });
        }
        let mut input = Map::new();
        for field in fields {
            let needed = field["type"]["kind"] == "NON_NULL" && field["defaultValue"].is_null();
            if needed || (depth > 0 && self.chance.one_in(4)) {
                let name = field["name"].as_str().unwrap();
                input.insert(name.to_owned(), self.value(&field["type"], type_name, name, depth.saturating_sub(1)));
            }
        }
        Value::Object(input)
    }
}
