//! The body of a write as Stripe reads it: `lines[0][pricing][price]=price_1`.

use std::collections::BTreeMap;

/// Parameters by their names. What is taken out is understood; what is left at the end is a parameter that nobody knows.
#[derive(Debug, Default)]
pub(super) struct Form {
    params: BTreeMap<String, String>,
}

impl Form {
    pub(super) fn parse(body: &str) -> Self {
        Self { params: form_urlencoded::parse(body.as_bytes()).into_owned().collect() }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.params.remove(name)
    }

    pub(super) fn says(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(value) = self.params.remove(from) {
            self.params.insert(to.to_owned(), value);
        }
    }

    /// `metadata[key]=value` as key and value.
    pub(super) fn take_map(&mut self, name: &str) -> BTreeMap<String, String> {
        self.take_nested(name).into_iter().collect()
    }

    /// `lines[0][quantity]=1` as one form for each index, in the order of the indices.
    pub(super) fn take_list(&mut self, name: &str) -> Vec<Form> {
        let mut forms: BTreeMap<usize, Form> = BTreeMap::new();
        for (path, value) in self.take_nested(name) {
            // `0[pricing][price]`
            let (index, rest) = path.split_once('[').unwrap_or((&path, ""));
            let Ok(index) = index.parse() else {
                self.params.insert(format!("{name}[{path}]"), value);
                continue;
            };
            let inner = match rest.split_once(']') {
                Some((head, tail)) => format!("{head}{tail}"),
                None => rest.to_owned(),
            };
            forms.entry(index).or_default().params.insert(inner, value);
        }
        forms.into_values().collect()
    }

    /// A parameter that was not understood.
    pub(super) fn leftover(&self) -> Option<&str> {
        self.params.keys().next().map(String::as_str)
    }

    /// What begins with `name[`, without the first pair of brackets around what follows.
    fn take_nested(&mut self, name: &str) -> Vec<(String, String)> {
        let prefix = format!("{name}[");
        let names: Vec<String> = self
            .params
            .range(prefix.clone()..)
            .take_while(|(key, _)| key.starts_with(&prefix))
            .map(|(key, _)| key.clone())
            .collect();
        names
            .into_iter()
            .filter_map(|full| {
                let value = self.params.remove(&full)?;
                let (head, tail) = full[prefix.len()..].split_once(']')?;
                Some((format!("{head}{tail}"), value))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_parameters_come_apart() {
        let body = "a=1&metadata%5Bk%5D=v&lines%5B10%5D%5Bquantity%5D=2&lines%5B2%5D%5Bpricing%5D%5Bprice%5D=price_1\
                    &lines%5B2%5D%5Bmetadata%5D%5Bsf_line_id%5D=00k&b=x+y";
        let mut form = Form::parse(body);
        assert_eq!(form.take("a").as_deref(), Some("1"));
        assert_eq!(form.take_map("metadata"), BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        let mut lines = form.take_list("lines");
        assert_eq!(lines.len(), 2, "in the order of their numbers, not of their letters");
        assert_eq!(lines[0].take("pricing[price]").as_deref(), Some("price_1"));
        assert_eq!(lines[0].take_map("metadata").get("sf_line_id").map(String::as_str), Some("00k"));
        assert_eq!(lines[1].take("quantity").as_deref(), Some("2"));
        assert_eq!((lines[0].leftover(), lines[1].leftover()), (None, None));
        assert_eq!(form.leftover(), Some("b"));
    }
}
