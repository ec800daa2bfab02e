//! Where the command is run: whether there are colours, and whether somebody watches.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};

use anstream::AutoStream;
use anstream::adapter::strip_str;
use clap::{ColorChoice, ValueEnum};

use crate::progress::{Bar, Progress, Silent};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    is_coloured: bool,
}

impl Terminal {
    /// On `auto` there are colours where the standard output is a terminal that knows them, and NO_COLOR is not set.
    pub fn of_process(choice: ColorChoice) -> Self {
        let is_coloured = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        };
        Self { is_coloured }
    }

    /// As people read it. Somebody may have put an escape into a record's name: without colours there is none of any kind.
    pub fn text(self, of: &impl Display) -> String {
        if self.is_coloured { format!("{of:#}") } else { strip_str(&of.to_string()).to_string() }
    }

    /// Programs are not shown how far it is.
    pub fn progress(self, is_json: bool) -> Box<dyn Progress> {
        if is_json { Box::new(Silent) } else { Box::new(Bar::default()) }
    }

    /// Whoever reads it may have read enough.
    pub fn print(self, text: &str) {
        // To the byte where there are no colours: what is for programs is not touched.
        let _ = match self.is_coloured {
            true => AutoStream::always(io::stdout()).write_all(text.as_bytes()),
            false => io::stdout().write_all(text.as_bytes()),
        };
    }
}

/// What `--color` says, before the command line is understood: what is wrong with it is told in colours too.
pub fn colour_of(line: impl IntoIterator<Item = OsString>) -> ColorChoice {
    let words: Vec<_> = line.into_iter().take_while(|word| word != "--").collect();
    let of = |index: usize| match words[index].to_str()? {
        "--color" => words.get(index + 1)?.to_str(),
        word => word.strip_prefix("--color="),
    };
    let said = (0..words.len()).rev().find_map(of).and_then(|choice| ColorChoice::from_str(choice, false).ok());
    said.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_there_is_no_escape_whatever_a_record_is_called() {
        let plain = Terminal::of_process(ColorChoice::Never);
        assert_eq!(plain.text(&"\x1b[2JAcme\x1b]0;x\x07 × 2\n\tend"), "Acme × 2\n\tend");
    }

    #[test]
    fn the_last_choice_counts() {
        for (line, expected) in [
            ("doctor", ColorChoice::Auto),
            ("--color never doctor", ColorChoice::Never),
            ("doctor --color=always", ColorChoice::Always),
            ("--color=never doctor --color always", ColorChoice::Always),
            ("doctor --color", ColorChoice::Auto),
            ("doctor --color purple", ColorChoice::Auto),
            ("doctor -- --color never", ColorChoice::Auto),
        ] {
            assert_eq!(colour_of(line.split(' ').map(OsString::from)), expected, "{line}");
        }
    }
}
