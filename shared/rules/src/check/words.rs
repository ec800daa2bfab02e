//! How functions are written, and what takes the place of those that CEL and Salesforce have elsewhere.

use crate::node::Function;

pub(super) fn usage(function: Function) -> &'static str {
    match function {
        Function::StartsWith => "x.startsWith(\"a\")",
        Function::EndsWith => "x.endsWith(\"a\")",
        Function::Contains => "x.contains(\"a\")",
        Function::LowerAscii => "x.lowerAscii()",
        Function::UpperAscii => "x.upperAscii()",
        Function::Trim => "x.trim()",
        Function::Size => "size(x), of a text or a list",
        Function::Default => "default(x, y)",
        Function::Date => "date(\"2026-01-31\")",
        Function::DateTime => "dateTime(\"2026-01-31T10:00:00Z\")",
        Function::Days => "days(30)",
        Function::Round => "round(x, 2)",
        Function::Min => "min(x, y), or with one list of numbers",
        Function::Max => "max(x, y), or with one list of numbers",
        Function::Sum => "sum(lines.map(l, l.TotalPrice))",
        Function::Text => "text(x)",
        Function::Number => "number(\"12.50\")",
    }
}

pub(super) fn macro_usage(name: &str) -> Option<&'static str> {
    Some(match name {
        "has" => "has(opportunity.Amount)",
        "map" => "lines.map(l, l.TotalPrice)",
        "all" => "lines.all(l, l.Quantity > 0)",
        "filter" => "lines.filter(l, l.Quantity > 0)",
        "exists" => "lines.exists(l, l.Quantity > 0)",
        "exists_one" => "lines.exists_one(l, l.Quantity > 0)",
        _ => return None,
    })
}

pub(super) fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "matches" | "find" => "write startsWith, endsWith or contains",
        "string" => "write text(x)",
        "int" | "uint" | "double" | "float" | "decimal" => {
            "write number(x) for the number in a text, and round(x, 0) for a whole one"
        }
        "bool" => "compare it with something",
        "timestamp" => "write dateTime(\"2026-01-31T10:00:00Z\"), or date(\"2026-01-31\")",
        "duration" => "write days(30)",
        "bytes" | "dyn" | "type" => "every value has its type already",
        "getFullYear" | "getMonth" | "getDate" | "getDayOfMonth" | "getDayOfWeek" | "getDayOfYear" | "getHours" => {
            "compare the date with another one, as in x < date(\"2027-01-01\")"
        }
        "lower" | "toLower" | "toLowerCase" | "LOWER" => "write x.lowerAscii()",
        "upper" | "toUpper" | "toUpperCase" | "UPPER" => "write x.upperAscii()",
        "length" | "len" | "LEN" | "count" => "write size(x)",
        "replace" | "split" | "substring" | "join" | "format" => "texts are put together with +, and not taken apart",
        "ceil" | "floor" | "abs" => "write round(x, 0), min or max",
        "ISBLANK" | "ISNULL" | "isEmpty" | "isBlank" => "write x == null, or !has(x)",
        "BLANKVALUE" | "NULLVALUE" | "coalesce" | "orValue" => "write default(x, y)",
        "ISPICKVAL" => "write x == \"value\"",
        "IF" => "write condition ? x : y",
        "AND" | "and" => "write x && y",
        "OR" | "or" => "write x || y",
        "NOT" | "not" => "write !x",
        "TODAY" | "today" => "compare with a date, as in x < date(\"2027-01-01\")",
        "NOW" | "now" => "compare with a time, as in x < dateTime(\"2027-01-01T00:00:00Z\")",
        "INCLUDES" => "write x.contains(\"value\")",
        _ => return None,
    })
}
