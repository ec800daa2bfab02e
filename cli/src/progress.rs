//! What a person sees of work that takes a while.

use std::cell::RefCell;

use indicatif::{ProgressBar, ProgressStyle};

/// Told as work goes on, by whoever does it.
pub trait Progress {
    /// This is done from now on; so many times, where that is known.
    fn begin(&self, what: &'static str, of: Option<usize>);

    /// One more of them is done.
    fn step(&self);

    /// Somebody is asked, or all is done: nothing of it stays to be seen.
    fn end(&self);
}

/// For programs.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &'static str, _: Option<usize>) {}

    fn step(&self) {}

    fn end(&self) {}
}

/// On the standard error of a terminal; elsewhere it shows nothing.
#[derive(Default)]
pub struct Bar(RefCell<Option<ProgressBar>>);

impl Progress for Bar {
    fn begin(&self, what: &'static str, of: Option<usize>) {
        self.end();
        let (bar, template) = match of.and_then(|of| u64::try_from(of).ok()) {
            Some(of) => (ProgressBar::new(of), "{msg} {wide_bar} {pos} of {len}"),
            None => (ProgressBar::no_length(), "{msg}"),
        };
        let bar = bar.with_style(style(template)).with_message(what);
        bar.tick();
        self.0.replace(Some(bar));
    }

    fn step(&self) {
        if let Some(bar) = self.0.borrow().as_ref() {
            if bar.length().is_none() {
                bar.set_style(style("{msg} {pos}"));
            }
            bar.inc(1);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

/// In no colour: `--color` is of what is printed.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, IsTerminal};

    use super::*;

    #[test]
    fn every_template_is_one_and_a_bar_ends_with_what_it_is_of() {
        for template in ["{msg} {wide_bar} {pos} of {len}", "{msg}", "{msg} {pos}"] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
        let bar = Bar::default();
        bar.step();
        bar.begin("reading", None);
        bar.step();
        let shown = |bar: &Bar| bar.0.borrow().as_ref().map(|bar| (bar.length(), bar.position(), bar.message()));
        assert_eq!(shown(&bar), Some((None, 1, "reading".to_owned())));
        let is_hidden = bar.0.borrow().as_ref().map(ProgressBar::is_hidden);
        assert_eq!(is_hidden, Some(!io::stderr().is_terminal()));
        bar.begin("writing", Some(3));
        bar.step();
        bar.step();
        assert_eq!(shown(&bar), Some((Some(3), 2, "writing".to_owned())));
        bar.end();
        assert_eq!(shown(&bar), None);
    }
}
