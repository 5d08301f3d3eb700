use crate::{Currency, Money};
use async_graphql::{InputObject, InputValueError, InputValueResult, Object, Scalar, ScalarType, Value};
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

/// A calendar day, YYYY-MM-DD, in the tenant's time zone unless a field says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

/// A calendar day, YYYY-MM-DD, of the years 0001 to 9999, in the tenant's time zone unless a field says otherwise.
#[Scalar(name = "Date", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Day {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(written) if written.len() == 10 => {
                NaiveDate::parse_from_str(written, "%Y-%m-%d").ok().filter(|day| day.year() >= 1).map(Day).ok_or_else(
                    || {
                        let rule = "is not a day of the form YYYY-MM-DD in the years 0001 to 9999";
                        InputValueError::custom(format!("\"{written}\" {rule}"))
                    },
                )
            }
            Value::String(_) => Err(InputValueError::custom("a day has the form YYYY-MM-DD")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%Y-%m-%d").to_string())
    }
}

/// A whole number of 64 bits, as a string, since a JSON number loses what is beyond 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Int64(pub i64);

/// A whole number of 64 bits, as a string, since a JSON number loses what is beyond 2^53. A number is taken as input too.
#[Scalar(name = "Int64")]
impl ScalarType for Int64 {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::String(written) => written.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        parsed.map(Int64).ok_or_else(|| InputValueError::custom("a whole number of 64 bits is needed here"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An exact decimal number, as a string: "12.50". It is never a floating-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(pub Decimal);

/// An exact decimal number, as a string: "12.50". It is never a floating-point number. As input a whole number is taken
/// too.
#[Scalar(name = "Decimal")]
impl ScalarType for Exact {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::String(written) => Decimal::from_str_exact(written).ok(),
            Value::Number(number) => number.as_i64().map(Decimal::from),
            _ => return Err(InputValueError::expected_type(value)),
        };
        parsed.map(Exact).ok_or_else(|| InputValueError::custom("a decimal number of at most 28 digits is needed here"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An exact amount of one currency. Amounts of different currencies are never summed.
#[Object]
impl Money {
    /// The amount in major units, exact, as a string: "12.50".
    #[graphql(name = "amount")]
    async fn decimal_amount(&self) -> Exact {
        Exact(self.amount())
    }

    /// The ISO 4217 code of the currency.
    async fn currency_code(&self) -> String {
        self.currency.code().to_owned()
    }
}

/// An exact amount of one currency, given to a mutation or a filter.
#[derive(Clone, Debug, InputObject)]
pub struct MoneyInput {
    /// The amount in major units, as a string: "12.50"; no finer than the currency's minor unit.
    pub amount: Exact,
    /// The ISO 4217 code of the currency; the tenant's own when left out.
    pub currency_code: Option<String>,
}

impl MoneyInput {
    /// The money meant, in `own` currency when none is named.
    ///
    /// # Errors
    /// When the currency is unknown, or the amount does not fit it.
    pub fn money(&self, own: Currency) -> Result<Money, crate::MoneyError> {
        let currency = self.currency_code.as_deref().map_or(Ok(own), str::parse)?;
        Money::from_decimal(self.amount.0, currency)
    }
}
