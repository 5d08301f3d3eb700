use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(serde::Deserialize)]
struct Sample {
    version: i32,
    payload: Value,
}

/// Every event of the slice has a committed sample, which reads back and is written as it was read.
#[track_caller]
pub(crate) fn read_back_unchanged<E: Serialize + DeserializeOwned>(slice: &str) {
    let path = format!("{}/../../schema/events/{slice}.json", env!("CARGO_MANIFEST_DIR"));
    let written = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let samples: BTreeMap<String, Sample> = serde_json::from_str(&written).expect("samples by type of event");
    for (name, sample) in &samples {
        assert_eq!(sample.payload["type"], json!(name), "a sample's key is its type");
        assert_eq!(sample.version, 1, "{name}");
        let event: E = serde_json::from_value(sample.payload.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(event).unwrap(), sample.payload, "{name}");
    }
    assert_eq!(samples.into_keys().collect::<BTreeSet<_>>(), types::<E>(), "each event has one sample");
}

/// The types of all events, as serde lists them when it is shown one that it does not know.
fn types<E: DeserializeOwned>() -> BTreeSet<String> {
    let error = serde_json::from_value::<E>(json!({ "type": "?" })).err().expect("no event is called ?").to_string();
    let quoted = error.split('`').skip(1).step_by(2);
    quoted.filter(|name| *name != "?").map(str::to_owned).collect()
}
