use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An ISO 4217 currency code of three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Currencies whose minor unit is not a hundredth (ISO 4217, list one).
const EXPONENTS: &[(&str, u32)] = &[
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("UYI", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
    ("CLF", 4),
    ("UYW", 4),
];

/// The active codes of ISO 4217 (list one) that money is paid in.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN \
    BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF \
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD \
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR \
    PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY \
    TTD TWD TZS UAH UGX USD UYU UYW UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";

impl Currency {
    /// How many decimal places the minor unit has: 2 for EUR, 0 for JPY, 3 for BHD.
    pub fn exponent(self) -> u32 {
        EXPONENTS.iter().find(|(code, _)| *code == self.code()).map_or(2, |(_, exponent)| *exponent)
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of ASCII letters only")
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        match CODES.split_whitespace().find(|known| *known == code) {
            Some(known) => {
                let bytes = known.as_bytes();
                Ok(Self([bytes[0], bytes[1], bytes[2]]))
            }
            None => Err(MoneyError::UnknownCurrency { code: code.chars().take(20).collect() }),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(code: String) -> Result<Self, MoneyError> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// An exact amount of one currency, in its minor unit; never a float, never summed across currencies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The amount in the currency's minor unit: cents for USD, yen for JPY.
    pub amount_minor: i64,
    /// The currency the amount is of.
    pub currency: Currency,
}

/// Why an amount of money was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not an active code of ISO 4217.
    #[error("\"{code}\" is not a currency code of ISO 4217 (three capital letters, such as USD)")]
    UnknownCurrency {
        /// What was given, cut to 20 characters.
        code: String,
    },
    /// More decimal places than the currency has.
    #[error("{amount} has more than the {exponent} decimal places of {currency}")]
    TooFine {
        /// What was given.
        amount: Decimal,
        /// The currency.
        currency: Currency,
        /// The decimal places that the currency has.
        exponent: u32,
    },
    /// Beyond what 64 bits of minor units hold.
    #[error("{amount} {currency} is too large: at most 9,223,372,036,854,775,807 minor units fit")]
    TooLarge {
        /// What was given.
        amount: Decimal,
        /// The currency.
        currency: Currency,
    },
}

impl Money {
    /// Money of a decimal amount in major units.
    ///
    /// # Errors
    /// When the amount is finer than the currency's minor unit, or does not fit into 64 bits of it.
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let exponent = currency.exponent();
        let exact = amount.normalize();
        if exact.scale() > exponent {
            return Err(MoneyError::TooFine { amount, currency, exponent });
        }
        exact
            .checked_mul(Decimal::from(10_i64.pow(exponent)))
            .and_then(|minor| i64::try_from(minor).ok())
            .map(|amount_minor| Self { amount_minor, currency })
            .ok_or(MoneyError::TooLarge { amount, currency })
    }

    /// The amount in major units: `12.50` for 1,250 cents.
    pub fn amount(&self) -> Decimal {
        Decimal::new(self.amount_minor, self.currency.exponent())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.amount(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The mean of a sum of minor units over `count` parts, rounded half to even; `None` when there are none.
pub fn split_evenly(sum_minor: i128, count: i64) -> Option<i64> {
    if count <= 0 {
        return None;
    }
    let count = i128::from(count);
    let (floor, twice) = (sum_minor.div_euclid(count), sum_minor.rem_euclid(count) * 2);
    let up = twice > count || (twice == count && floor % 2 != 0);
    i64::try_from(floor + i128::from(up)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_every_minor_unit_of_its_currency() {
        let cases = [("USD", "12.5", 1250), ("JPY", "300", 300), ("BHD", "1.234", 1234), ("USD", "-0.01", -1)];
        for (code, amount, minor) in cases {
            let money = Money::from_decimal(amount.parse().unwrap(), code.parse().unwrap()).unwrap();
            assert_eq!(money.amount_minor, minor, "{code} {amount}");
            assert_eq!(money.amount(), amount.parse().unwrap());
        }
    }

    #[test]
    fn money_refuses_what_it_cannot_hold() {
        let usd: Currency = "USD".parse().unwrap();
        assert!(matches!(Money::from_decimal("0.001".parse().unwrap(), usd), Err(MoneyError::TooFine { .. })));
        assert!(matches!(
            Money::from_decimal("92233720368547758.08".parse().unwrap(), usd),
            Err(MoneyError::TooLarge { .. })
        ));
        assert!("usd".parse::<Currency>().is_err());
        assert!("XXX".parse::<Currency>().is_err());
    }

    #[test]
    fn a_mean_rounds_half_to_even() {
        assert_eq!(split_evenly(5, 2), Some(2));
        assert_eq!(split_evenly(7, 2), Some(4));
        assert_eq!(split_evenly(-5, 2), Some(-2));
        assert_eq!(split_evenly(10, 3), Some(3));
        assert_eq!(split_evenly(1, 0), None);
    }
}
