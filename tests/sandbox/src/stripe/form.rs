//! The bracket grammar of form bodies and query strings: `a[b]=`, `a[0][b]=`, `a[]=`.
//!
//! What comes out is untyped. Whether `a[0]` is the first element of a list or a map's key "0" is for the operation's
//! parameter list to say.

use super::error::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Text(String),
    Map(Vec<(String, Node)>),
}

/// Deeper than any parameter Stripe has; a longer name is somebody's attempt at our stack.
const DEEPEST: usize = 12;

pub fn decode(encoded: &[u8]) -> Result<Vec<(String, Node)>, Error> {
    let mut root = Vec::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        let segments = segments(&name);
        if segments.len() > DEEPEST {
            return Err(Error::invalid(segments[0], "Invalid request: parameters are nested too deeply."));
        }
        insert(&mut root, &segments, value.into_owned());
    }
    Ok(root)
}

/// `a[b][0]` → `a`, `b`, `0`. A name that does not follow the grammar is one segment, and so an unknown parameter.
fn segments(name: &str) -> Vec<&str> {
    let Some((first, rest)) = name.split_once('[') else {
        return vec![name];
    };
    let Some(rest) = rest.strip_suffix(']') else {
        return vec![name];
    };
    if first.is_empty() {
        return vec![name];
    }
    std::iter::once(first).chain(rest.split("][")).collect()
}

fn insert(map: &mut Vec<(String, Node)>, segments: &[&str], value: String) {
    let Some((segment, rest)) = segments.split_first() else {
        return;
    };
    let key = if segment.is_empty() { list_key(map, rest) } else { (*segment).to_owned() };
    let at = match map.iter().position(|(name, _)| *name == key) {
        Some(at) => at,
        None => {
            map.push((key, Node::Map(Vec::new())));
            map.len() - 1
        }
    };
    let slot = &mut map[at].1;
    if rest.is_empty() {
        *slot = Node::Text(value);
        return;
    }
    if let Node::Text(_) = slot {
        *slot = Node::Map(Vec::new());
    }
    if let Node::Map(inner) = slot {
        insert(inner, rest, value);
    }
}

/// `a[][b]` belongs to the last element until that one has a `b`; `a[]` always starts the next one.
fn list_key(map: &[(String, Node)], rest: &[&str]) -> String {
    if let (Some((key, Node::Map(last))), Some(next)) = (map.last(), rest.first())
        && !last.iter().any(|(name, _)| name == next)
    {
        return key.clone();
    }
    map.len().to_string()
}
