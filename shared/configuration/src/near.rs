//! What somebody may have meant.

/// The one of these that is written most alike, if any is: a third of its letters may differ.
pub(crate) fn near<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let text = plain(text);
    let distance = |one: &str| strsim::damerau_levenshtein(&text, &plain(one));
    let nearest = known.into_iter().map(|one| (distance(one), one)).min_by_key(|(distance, _)| *distance);
    nearest.filter(|(distance, one)| *distance <= one.len().div_ceil(3)).map(|(_, one)| one)
}

/// ` Did you mean …?`, or nothing.
pub(crate) fn did_you_mean<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    near(text, known).map(|near| format!(" Did you mean {near}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_alike_is_meant() {
        let known = ["stages", "paid_stage", "lines_from"];
        for (text, expected) in [
            ("stage", Some("stages")),
            ("PaidStage", Some("paid_stage")),
            ("paid-stage", Some("paid_stage")),
            ("line_from", Some("lines_from")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(near(text, known), expected, "{text}");
        }
        assert_eq!(did_you_mean("stgaes", known), " Did you mean stages?");
        assert_eq!(did_you_mean("colour", known), "");
    }
}
