//! Colours, sparingly: whatever they say, the words beside them say too.
//!
//! What can be painted is painted where it is shown with `{:#}`, and is plain with `{}`; the terminal decides which of them it is.

use std::fmt::{self, Alignment, Display, Formatter};

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default();
const CARE: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const STRONG: Style = Style::new().bold();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It is as it should be.
    Good,
    /// Somebody should look at it.
    Care,
    /// Somebody has to do something.
    Bad,
    Plain,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    is_coloured: bool,
}

impl Paint {
    pub(crate) fn of(f: &Formatter<'_>) -> Self {
        Self { is_coloured: f.alternate() }
    }

    pub(crate) fn toned<T: Display>(self, tone: Tone, what: T) -> Painted<T> {
        let style = match tone {
            Tone::Good => Some(GOOD),
            Tone::Care => Some(CARE),
            Tone::Bad => Some(BAD),
            Tone::Plain => None,
        };
        Painted { style: style.filter(|_| self.is_coloured), what }
    }

    /// A heading, or money.
    pub(crate) fn strong<T: Display>(self, what: T) -> Painted<T> {
        Painted { style: self.is_coloured.then_some(STRONG), what }
    }
}

/// As wide as its text is: what fills a column is outside of the colour.
pub(crate) struct Painted<T> {
    style: Option<Style>,
    what: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = self.what.to_string();
        let blank = f.width().unwrap_or_default().saturating_sub(text.chars().count());
        let (before, after) = if f.align() == Some(Alignment::Right) { (blank, 0) } else { (0, blank) };
        write!(f, "{:before$}", "")?;
        match self.style.filter(|_| !text.is_empty()) {
            Some(style) => write!(f, "{style}{text}{style:#}")?,
            None => f.write_str(&text)?,
        }
        write!(f, "{:after$}", "")
    }
}

/// With colours and without, of which the first has nothing more than escapes; and what is said to be painted is.
#[cfg(test)]
pub(crate) fn painted(what: &impl Display, with: &[(&str, &str)]) -> String {
    let (coloured, plain) = (format!("{what:#}"), what.to_string());
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    assert!(!plain.contains('\x1b'), "{plain:?}");
    for (escape, text) in with {
        assert!(coloured.contains(&format!("{escape}{text}\x1b[0m")), "{text}: {coloured:?}");
    }
    coloured
}

#[cfg(test)]
pub(crate) const RED: &str = "\x1b[1m\x1b[31m";
#[cfg(test)]
pub(crate) const YELLOW: &str = "\x1b[33m";
#[cfg(test)]
pub(crate) const GREEN: &str = "\x1b[32m";
#[cfg(test)]
pub(crate) const BOLD: &str = "\x1b[1m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_as_wide_as_its_text() {
        let (coloured, plain) = (Paint { is_coloured: true }, Paint { is_coloured: false });
        assert_eq!(format!("{:<6}|", coloured.toned(Tone::Good, "ok")), format!("{GREEN}ok\x1b[0m    |"));
        assert_eq!(format!("{:>6}|", coloured.toned(Tone::Bad, "über")), format!("  {RED}über\x1b[0m|"));
        assert_eq!(format!("{:4}|", coloured.toned(Tone::Care, "")), "    |");
        assert_eq!(format!("{}|", coloured.toned(Tone::Plain, "ok")), "ok|");
        assert_eq!(format!("{:>6}|", plain.toned(Tone::Bad, "über")), "  über|");
    }
}
