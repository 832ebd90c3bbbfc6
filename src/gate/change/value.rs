//! A figure of a comparison: shown as people read, written with its unit for tools.

use std::fmt;

use serde::Serialize;

use crate::base::quantity::money;
use crate::base::{Bytes, Span};
use crate::timeline::Loss;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum Value {
    /// Milliseconds.
    Span(Span),
    /// Everything is lost.
    Total,
    Money {
        amount: f64,
        currency: String,
    },
    Bytes(Bytes),
    Count(u32),
    Flag(bool),
    Number(f64),
    Word(String),
    /// Nothing was asked, declared, or can be said.
    Nothing,
}

impl From<Loss> for Value {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::Window(span) => Value::Span(span),
            Loss::Total => Value::Total,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Span(span) => span.fmt(f),
            Value::Total => f.write_str("everything"),
            Value::Money { amount, currency } => f.write_str(&money(*amount, currency)),
            Value::Bytes(bytes) => bytes.fmt(f),
            Value::Count(n) => n.fmt(f),
            Value::Flag(true) => f.write_str("yes"),
            Value::Flag(false) => f.write_str("no"),
            Value::Number(n) => n.fmt(f),
            Value::Word(word) => f.write_str(word),
            Value::Nothing => f.write_str("none"),
        }
    }
}

impl Value {
    /// By how much the second is more than the first, where both are of one kind and have an amount.
    pub fn by(before: &Value, after: &Value) -> Option<String> {
        let signed = |negative: bool, amount: String| format!("{}{amount}", if negative { "−" } else { "+" });
        match (before, after) {
            (Value::Span(a), Value::Span(b)) => {
                let by = *b - *a;
                Some(signed(by < Span::ZERO, Span(by.0.saturating_abs()).to_string()))
            }
            (Value::Money { amount: a, currency }, Value::Money { amount: b, currency: other })
                if currency == other =>
            {
                let by = b - a;
                let share = if *a > 0.0 { format!(" ({})", percent(by / a)) } else { String::new() };
                Some(signed(by < 0.0, money(by.abs(), currency)) + &share)
            }
            (Value::Bytes(Bytes(a)), Value::Bytes(Bytes(b))) => Some(signed(b < a, Bytes(a.abs_diff(*b)).to_string())),
            (Value::Count(a), Value::Count(b)) => Some(signed(b < a, a.abs_diff(*b).to_string())),
            (Value::Number(a), Value::Number(b)) if *a > 0.0 => Some(percent((b - a) / a)),
            _ => None,
        }
    }
}

fn percent(share: f64) -> String {
    let sign = if share < 0.0 { "−" } else { "+" };
    let percent = (share * 100.0).abs();
    let decimals = if percent < 1.0 { 2 } else { 0 };
    format!("{sign}{percent:.decimals$} %")
}
