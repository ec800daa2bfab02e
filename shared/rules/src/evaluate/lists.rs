//! Macros over lists. `exists` is an `||` over the list and `all` an `&&`, and both absorb as those do.

use super::{Operand, Outcome, Run, unfit};
use crate::node::{Each, EachKind, Node};
use crate::value::Undecided;

impl<'a> Run<'a> {
    pub(super) fn list(&mut self, node: &'a Node) -> Result<Vec<Operand<'a>>, Undecided> {
        match self.evaluate(node)? {
            Operand::List(list) => Ok(list),
            found => Err(unfit(node, &found, "a list", "[]")),
        }
    }

    pub(super) fn each(&mut self, each: &'a Each) -> Outcome<'a> {
        let list = self.list(&each.list)?;
        match each.kind {
            EachKind::Exists => self.any(list, &each.body, true),
            EachKind::All => self.any(list, &each.body, false),
            EachKind::ExistsOne => {
                let mut found = 0_usize;
                for element in list {
                    found += usize::from(self.with(element, |run| run.boolean(&each.body))?);
                }
                Ok(Operand::Boolean(found == 1))
            }
            EachKind::Filter => {
                let mut kept = Vec::new();
                for element in list {
                    if self.with(element.clone(), |run| run.boolean(&each.body))? {
                        kept.push(element);
                    }
                }
                Ok(Operand::List(kept))
            }
            EachKind::Map => {
                let mut made = Vec::new();
                for element in list {
                    let is_in = |run: &mut Self| each.only.as_ref().map_or(Ok(true), |only| run.boolean(only));
                    let value = |run: &mut Self| is_in(run)?.then(|| run.evaluate(&each.body)).transpose();
                    made.extend(self.with(element, value)?);
                }
                Ok(Operand::List(made))
            }
        }
    }

    fn any(&mut self, list: Vec<Operand<'a>>, body: &'a Node, decides: bool) -> Outcome<'a> {
        let mut undecided = None;
        for element in list {
            match self.with(element, |run| run.boolean(body)) {
                Ok(found) if found == decides => return Ok(Operand::Boolean(decides)),
                Ok(_) => {}
                Err(why) => undecided = undecided.or(Some(why)),
            }
        }
        undecided.map_or(Ok(Operand::Boolean(!decides)), Err)
    }

    fn with<T>(&mut self, element: Operand<'a>, work: impl FnOnce(&mut Self) -> T) -> T {
        self.locals.push(element);
        let done = work(self);
        self.locals.pop();
        done
    }
}
