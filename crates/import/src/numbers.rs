//! Numbers as a file declares to write them: what does not fit is refused, never guessed at.

use crate::mapping::Mapping;
use rust_decimal::Decimal;

/// The number: digits, in groups of three where such are declared, and decimals. No other signs, no exponent.
pub(crate) fn parse(value: &str, mapping: &Mapping) -> Option<Decimal> {
    let (sign, bare) = value.strip_prefix('-').map_or(("", value), |bare| ("-", bare));
    let (whole, decimals) = match bare.split_once(mapping.decimal_separator) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (bare, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut plain = sign.to_owned();
    let groups: Vec<&str> = match mapping.thousands_separator {
        Some(between) => whole.split(between).collect(),
        None => vec![whole],
    };
    for (index, group) in groups.iter().enumerate() {
        let fits = groups.len() == 1 || if index == 0 { group.len() <= 3 } else { group.len() == 3 };
        if !fits || !all_digits(group) {
            return None;
        }
        plain.push_str(group);
    }
    if let Some(decimals) = decimals {
        if !all_digits(decimals) {
            return None;
        }
        plain.extend([".", decimals]);
    }
    plain.parse().ok()
}

/// A number as the mapping declares to write it, for whoever reads why another did not fit.
pub(crate) fn example(mapping: &Mapping) -> String {
    let between = mapping.thousands_separator.map_or_else(String::new, String::from);
    format!("1{between}234{}50", mapping.decimal_separator)
}
