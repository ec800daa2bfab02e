//! A metadata file as a small tree. Metadata has no attributes that matter and no mixed content.

use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;

#[derive(Debug, Clone, Default)]
pub struct Element {
    pub name: String,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.all(name).next()
    }

    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Element> {
        let name = name.to_owned();
        self.children.iter().filter(move |child| child.name == name)
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.value(name) == Some("true")
    }
}

fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().trim_text(true);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                open.push(Element { name, ..Element::default() });
            }
            Event::Empty(start) => {
                let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                last(&mut open)?.children.push(Element { name, ..Element::default() });
            }
            Event::Text(content) => {
                let content = content.decode().map_err(|error| error.to_string())?;
                last(&mut open)?.text.push_str(&content);
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| error.to_string())?;
                let entity = quick_xml::escape::resolve_predefined_entity(&name).ok_or("unknown entity")?;
                last(&mut open)?.text.push_str(entity);
            }
            Event::End(_) => {
                let closed = open.pop().ok_or("an element is closed that was not opened")?;
                last(&mut open)?.children.push(closed);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    last(&mut open)?.children.pop().ok_or_else(|| "no root element".to_owned())
}

fn last(open: &mut [Element]) -> Result<&mut Element, &'static str> {
    open.last_mut().ok_or("an element is closed that was not opened")
}
