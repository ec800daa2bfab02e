//! The body of a write as Stripe reads it: `lines[0][pricing][price]=price_1`.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn parse(body: &str) -> Self {
        Self(form_urlencoded::parse(body.as_bytes()).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// What has one of these names, or is a part of it, under its whole name.
    pub(super) fn of(&self, names: &[&str]) -> BTreeMap<String, String> {
        let head = |name: &String| name.split('[').next().is_some_and(|head| names.contains(&head));
        self.0.iter().filter(|(name, _)| head(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// `metadata[key]=value` as key and value.
    pub(super) fn map(&self, name: &str) -> BTreeMap<String, String> {
        self.nested(name).collect()
    }

    /// `lines[0][quantity]=1` as one form for each index, in the order of the indices.
    pub(super) fn list(&self, name: &str) -> Vec<Form> {
        let mut forms: BTreeMap<usize, Form> = BTreeMap::new();
        for (path, value) in self.nested(name) {
            // `0[pricing][price]`
            let Some((index, rest)) = path.split_once('[') else { continue };
            let inner = rest.split_once(']').map_or(rest.to_owned(), |(head, tail)| format!("{head}{tail}"));
            if let Ok(index) = index.parse() {
                forms.entry(index).or_default().0.insert(inner, value);
            }
        }
        forms.into_values().collect()
    }

    /// What begins with `name[`, without the first pair of brackets around what follows.
    fn nested(&self, name: &str) -> impl Iterator<Item = (String, String)> {
        let prefix = format!("{name}[");
        self.0.iter().filter_map(move |(full, value)| {
            let (head, tail) = full.strip_prefix(&prefix)?.split_once(']')?;
            Some((format!("{head}{tail}"), value.clone()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_parameters_come_apart() {
        let body = "a=1&metadata%5Bk%5D=v&lines%5B10%5D%5Bquantity%5D=2&lines%5B2%5D%5Bpricing%5D%5Bprice%5D=price_1\
                    &lines%5B2%5D%5Bmetadata%5D%5Bsf_line_id%5D=00k&b=x+y";
        let form = Form::parse(body);
        assert_eq!((form.get("a"), form.get("b"), form.parsed("a")), (Some("1"), Some("x y"), Some(1)));
        assert_eq!(form.of(&["a", "metadata"]).into_keys().collect::<Vec<_>>(), ["a", "metadata[k]"]);
        assert_eq!(form.map("metadata"), BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        let lines = form.list("lines");
        assert_eq!(lines.len(), 2, "in the order of their numbers, not of their letters");
        assert_eq!((lines[0].get("pricing[price]"), lines[1].get("quantity")), (Some("price_1"), Some("2")));
        assert_eq!(lines[0].map("metadata").get("sf_line_id").map(String::as_str), Some("00k"));
    }
}
