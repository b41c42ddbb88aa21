//! Arithmetic, equality and order of values, without silent conversions: numbers and text are never the same, whole
//! numbers stay whole, and what has no order is not ordered.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::tree::Operator;
use crate::functions::Fault;

/// Returns whether two values are equal; `1` and `1.0` are, `1` and `'1'` are not.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            order_of_numbers(left, right) == Some(Ordering::Equal)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, left)| right.get(name).is_some_and(|right| equal(left, right)))
        }
        _ => left == right,
    }
}

/// Returns the order of two numbers or two texts; nothing else has one.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order_of_numbers(left, right),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Returns whether `needle` is in `hay`: a piece of a text, an item of a list, a key of a map.
pub(crate) fn contains(hay: &Value, needle: &Value) -> Result<bool, Fault> {
    match (hay, needle) {
        (Value::String(hay), Value::String(needle)) => Ok(hay.contains(needle.as_str())),
        (Value::Array(items), needle) => Ok(items.iter().any(|item| equal(item, needle))),
        (Value::Object(fields), Value::String(name)) => Ok(fields.contains_key(name)),
        (hay, needle) => Err(Fault::wrong_type(format!(
            "`in` looks for {} in {}, which cannot hold it",
            kind(needle),
            kind(hay)
        ))),
    }
}

/// Returns the result of an arithmetic operator on two values that are not null.
pub(crate) fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Result<Value, Fault> {
    match (operator, left, right) {
        (_, Value::Number(left), Value::Number(right)) => numbers(operator, left, right),
        (Operator::Add, Value::String(left), Value::String(right)) => {
            Ok(Value::String([left.as_str(), right].concat()))
        }
        (Operator::Add, Value::Array(left), Value::Array(right)) => {
            Ok(left.iter().chain(right).cloned().collect())
        }
        _ => {
            let fault = Fault::wrong_type(format!(
                "`{}` has {} and {} beside it",
                operator.sign(),
                kind(left),
                kind(right)
            ));
            Err(match (left, right) {
                (Value::String(_), Value::Number(_)) | (Value::Number(_), Value::String(_)) => {
                    fault.hint("make a number of the text with `| number`, or join texts with `~`")
                }
                _ => fault,
            })
        }
    }
}

/// Returns `-value`.
pub(crate) fn negative(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Number(number) => numbers(Operator::Subtract, &Number::from(0), number),
        other => Err(Fault::wrong_type(format!(
            "`-` stands before {}, where a number is needed",
            kind(other)
        ))),
    }
}

/// Returns a number, whole or not, unless it is beyond what JSON can say.
pub(crate) fn float(value: f64) -> Result<Value, Fault> {
    Number::from_f64(value).map(Value::Number).ok_or_else(too_large)
}

/// Returns a whole number, unless it is too large for JSON readers to keep.
pub(crate) fn whole(value: i128) -> Result<Value, Fault> {
    if let Ok(value) = i64::try_from(value) {
        Ok(value.into())
    } else {
        u64::try_from(value).map(Value::from).map_err(|_| too_large())
    }
}

/// Returns the whole number that a number is, if it is one.
pub(crate) fn as_whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Names the kind of a value for a message.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn numbers(operator: Operator, left: &Number, right: &Number) -> Result<Value, Fault> {
    if let (Some(left), Some(right)) = (as_whole(left), as_whole(right)) {
        let result = match operator {
            Operator::Add => left.checked_add(right),
            Operator::Subtract => left.checked_sub(right),
            Operator::Multiply => left.checked_mul(right),
            Operator::Divide if right == 0 => return Err(division_by_zero()),
            Operator::Divide if left % right == 0 => Some(left / right),
            Operator::Divide => return float(as_float(left) / as_float(right)),
            Operator::DivideWhole | Operator::Remainder if right == 0 => {
                return Err(division_by_zero());
            }
            Operator::DivideWhole => Some(floor(left, right)),
            Operator::Remainder => Some(left - floor(left, right) * right),
            Operator::Power if right < 0 => return power(as_float(left), as_float(right)),
            Operator::Power => u32::try_from(right).ok().and_then(|right| left.checked_pow(right)),
            _ => None,
        };
        return result.map_or_else(|| Err(too_large()), whole);
    }
    let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) else {
        return Err(too_large());
    };
    match operator {
        Operator::Add => float(left + right),
        Operator::Subtract => float(left - right),
        Operator::Multiply => float(left * right),
        Operator::Divide | Operator::DivideWhole | Operator::Remainder if right == 0.0 => {
            Err(division_by_zero())
        }
        Operator::Divide => float(left / right),
        Operator::DivideWhole => float((left / right).floor()),
        Operator::Remainder => float(left - (left / right).floor() * right),
        _ => power(left, right),
    }
}

fn power(base: f64, exponent: f64) -> Result<Value, Fault> {
    if base == 0.0 && exponent < 0.0 { Err(division_by_zero()) } else { float(base.powf(exponent)) }
}

fn floor(left: i128, right: i128) -> i128 {
    let quotient = left / right;
    if left % right != 0 && (left < 0) != (right < 0) { quotient - 1 } else { quotient }
}

fn order_of_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (as_whole(left), as_whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a quotient of whole numbers is as exact as a JSON number can be"
)]
fn as_float(value: i128) -> f64 {
    value as f64
}

fn too_large() -> Fault {
    Fault::new("invalid_value", "the result is too large for a number")
}

fn division_by_zero() -> Fault {
    Fault::new("invalid_value", "this divides by zero")
}
