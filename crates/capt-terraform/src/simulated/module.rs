//! The blocks of a root or child module.

use std::collections::BTreeMap;

use hcl::expr::{Expression, TemplateExpr};
use hcl::structure::{Attribute, Block, BlockLabel, Body, Structure};

use crate::stream::{Diagnostic, Position, Range, Severity};

/// A declared input.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) default: Option<Expression>,
    /// The type as it is written: `number`, `list(string)`.
    pub(super) kind: Option<String>,
    /// Conditions and what to say if they do not hold.
    pub(super) validations: Vec<(Expression, String)>,
}

/// A `resource`, `data` or `module` block.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// `aws_vpc.main`, `data.aws_region.here`, `module.vpc`
    pub(super) name: String,
    /// The resource type; empty for a module.
    pub(super) kind: String,
    pub(super) body: Body,
}

/// A declared output.
#[derive(Debug, Clone)]
pub(super) struct OutputBlock {
    pub(super) value: Expression,
    pub(super) sensitive: bool,
}

/// All that a module declares.
#[derive(Debug, Clone, Default)]
pub(super) struct Module {
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) locals: BTreeMap<String, Expression>,
    pub(super) items: BTreeMap<String, Item>,
    pub(super) outputs: BTreeMap<String, OutputBlock>,
    /// The text of each file, to find the place of an error in.
    pub(super) sources: BTreeMap<String, String>,
}

impl Module {
    /// Reads the configuration files that lie directly in `folder` (empty for the root).
    pub(super) fn read(files: &BTreeMap<String, Vec<u8>>, folder: &str) -> Result<Self, Diagnostic> {
        let mut module = Self::default();
        for (path, content) in files {
            let Some(name) = file_in(path, folder) else {
                continue;
            };
            let text = String::from_utf8_lossy(content).into_owned();
            let body = if name.ends_with(".tf.json") {
                json_body(path, &text)?
            } else if name.strip_suffix(".tf").is_some() {
                hcl::parse(&text).map_err(|error| syntax_error(path, &error))?
            } else {
                continue;
            };
            module.sources.insert(path.clone(), text);
            for block in body.blocks() {
                module.add(path, block)?;
            }
        }
        if module.sources.is_empty() {
            let detail =
                format!("The directory {folder:?} holds no file with a name that ends in .tf or .tf.json.");
            return Err(error("No configuration files", detail));
        }
        Ok(module)
    }

    fn add(&mut self, path: &str, block: &Block) -> Result<(), Diagnostic> {
        let labels: Vec<&str> = block.labels().iter().map(BlockLabel::as_str).collect();
        let body = block.body();
        let find = |key: &str| {
            body.attributes()
                .find(|attribute| attribute.key() == key)
                .map(Attribute::expr)
        };
        let flag = |key: &str| find(key) == Some(&Expression::Bool(true));
        match (block.identifier(), labels.as_slice()) {
            ("variable", [name]) => {
                let variable = Variable {
                    default: find("default").cloned(),
                    kind: find("type").map(ToString::to_string),
                    validations: body
                        .blocks()
                        .filter(|inner| inner.identifier() == "validation")
                        .filter_map(validation)
                        .collect(),
                };
                self.declare("variable", name, |module| {
                    module.variables.insert((*name).to_owned(), variable).is_none()
                })
            }
            ("output", [name]) => {
                let Some(value) = find("value").cloned() else {
                    return Err(error(
                        "Missing required argument",
                        "The argument \"value\" is required, but no definition was found.",
                    )
                    .at(self.find(path, &format!("output \"{name}\""))));
                };
                let output = OutputBlock {
                    value,
                    sensitive: flag("sensitive"),
                };
                self.declare("output", name, |module| {
                    module.outputs.insert((*name).to_owned(), output).is_none()
                })
            }
            ("locals", []) => {
                for attribute in body.attributes() {
                    let name = attribute.key().to_owned();
                    self.declare("local value", &name.clone(), |module| {
                        module.locals.insert(name, attribute.expr().clone()).is_none()
                    })?;
                }
                Ok(())
            }
            ("resource", [kind, name]) => self.item(format!("{kind}.{name}"), kind, body),
            ("data", [kind, name]) => self.item(format!("data.{kind}.{name}"), kind, body),
            ("module", [name]) => self.item(format!("module.{name}"), "", body),
            ("terraform" | "moved" | "import" | "removed", []) | ("provider" | "check", [_]) => Ok(()),
            (other, labels) => {
                let known = [
                    "variable",
                    "output",
                    "locals",
                    "resource",
                    "data",
                    "module",
                    "terraform",
                    "provider",
                ];
                let range = self.find(path, other);
                Err(if known.contains(&other) {
                    let detail = format!(
                        "A block of type \"{other}\" does not take {} labels.",
                        labels.len()
                    );
                    error("Invalid block labels", detail)
                } else {
                    let detail = format!("Blocks of type \"{other}\" are not expected here.");
                    error("Unsupported block type", detail)
                }
                .at(range))
            }
        }
    }

    fn item(&mut self, name: String, kind: &str, body: &Body) -> Result<(), Diagnostic> {
        let item = Item {
            name: name.clone(),
            kind: kind.to_owned(),
            body: body.clone(),
        };
        self.declare("resource", &name.clone(), |module| {
            module.items.insert(name, item).is_none()
        })
    }

    fn declare(
        &mut self,
        what: &str,
        name: &str,
        insert: impl FnOnce(&mut Self) -> bool,
    ) -> Result<(), Diagnostic> {
        if insert(self) {
            return Ok(());
        }
        let detail =
            format!("A {what} named \"{name}\" was already declared. Names must be unique within a module.");
        Err(error(&format!("Duplicate {what} declaration"), detail))
    }

    /// The first place where `text` stands in the sources.
    pub(super) fn locate(&self, text: &str) -> Option<Range> {
        self.sources.keys().find_map(|path| self.find(path, text))
    }

    fn find(&self, path: &str, text: &str) -> Option<Range> {
        let (line, column) = self
            .sources
            .get(path)?
            .lines()
            .enumerate()
            .find_map(|(number, line)| line.find(text).map(|column| (number + 1, column + 1)))?;
        Some(Range {
            filename: path.to_owned(),
            start: position(line, column),
        })
    }
}

fn validation(block: &Block) -> Option<(Expression, String)> {
    let find = |key: &str| {
        block
            .body()
            .attributes()
            .find(|attribute| attribute.key() == key)
            .map(Attribute::expr)
    };
    let message = match find("error_message") {
        Some(Expression::String(message)) => message.clone(),
        Some(other) => other.to_string(),
        None => "the condition does not hold.".to_owned(),
    };
    find("condition").cloned().map(|condition| (condition, message))
}

fn position(line: usize, column: usize) -> Position {
    Position {
        line: line.try_into().unwrap_or(0),
        column: column.try_into().unwrap_or(0),
    }
}

/// The name of a file that lies directly in `folder`.
fn file_in<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let name = if folder.is_empty() {
        path
    } else {
        path.strip_prefix(folder)?.strip_prefix('/')?
    };
    (!name.contains('/')).then_some(name)
}

fn syntax_error(path: &str, failure: &hcl::Error) -> Diagnostic {
    let (detail, range) = match failure {
        hcl::Error::Parse(parse) => {
            let location = parse.location();
            let range = Range {
                filename: path.to_owned(),
                start: position(location.line(), location.column()),
            };
            (parse.message().to_owned(), Some(range))
        }
        other => (other.to_string(), None),
    };
    error(
        "Invalid configuration syntax",
        format!("The configuration cannot be parsed: {detail}."),
    )
    .at(range)
}

/// An error without a place.
pub(super) fn error(summary: &str, detail: impl Into<String>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        summary: summary.to_owned(),
        detail: detail.into(),
        address: None,
        range: None,
        block: None,
    }
}

impl Diagnostic {
    /// The same diagnostic, saying where in the configuration.
    #[must_use]
    pub(super) fn at(mut self, range: Option<Range>) -> Self {
        self.range = range.map(Box::new).or(self.range);
        self
    }

    /// The same diagnostic, saying in which block, unless it says so already. A local value is none.
    #[must_use]
    pub(super) fn within(mut self, block: &str) -> Self {
        if !block.starts_with("local.") {
            self.block.get_or_insert_with(|| block.to_owned());
        }
        self
    }
}

/// Reads the JSON form of a configuration: each level of an object is a label until the block's body.
fn json_body(path: &str, text: &str) -> Result<Body, Diagnostic> {
    use serde_json::Value;
    let invalid = |detail: String| error("Invalid JSON syntax", detail);
    let value: Value = serde_json::from_str(text).map_err(|failure| {
        let range = Range {
            filename: path.to_owned(),
            start: position(failure.line(), failure.column()),
        };
        invalid(failure.to_string()).at(Some(range))
    })?;
    let Value::Object(top) = value else {
        return Err(invalid("The root must be an object.".to_owned()));
    };
    let mut blocks = Vec::new();
    for (kind, content) in &top {
        let depth = match kind.as_str() {
            "resource" | "data" => 2,
            "variable" | "output" | "module" | "provider" => 1,
            _ => 0,
        };
        json_blocks(kind, depth, &mut Vec::new(), content, &mut blocks);
    }
    Ok(blocks.into_iter().map(Structure::Block).collect())
}

fn json_blocks(
    kind: &str,
    depth: usize,
    labels: &mut Vec<String>,
    content: &serde_json::Value,
    blocks: &mut Vec<Block>,
) {
    use serde_json::Value;
    match content {
        Value::Array(items) => items
            .iter()
            .for_each(|item| json_blocks(kind, depth, labels, item, blocks)),
        Value::Object(fields) if depth > 0 => {
            for (label, inner) in fields {
                labels.push(label.clone());
                json_blocks(kind, depth - 1, labels, inner, blocks);
                labels.pop();
            }
        }
        Value::Object(fields) if kind != "//" => {
            let mut block = Block::builder(kind).add_labels(labels.iter().cloned());
            for (key, value) in fields {
                if key == "provisioner" {
                    let mut inner = Vec::new();
                    json_blocks(key, 1, &mut Vec::new(), value, &mut inner);
                    block = block.add_blocks(inner);
                } else {
                    block = block.add_attribute((hcl::Identifier::sanitized(key), json_expression(value)));
                }
            }
            blocks.push(block.build());
        }
        _ => {}
    }
}

fn json_expression(value: &serde_json::Value) -> Expression {
    use serde_json::Value;
    match value {
        Value::String(text) if text.contains("${") || text.contains("%{") => {
            let escaped = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            Expression::from(TemplateExpr::QuotedString(escaped))
        }
        Value::Array(items) => Expression::Array(items.iter().map(json_expression).collect()),
        Value::Object(fields) => Expression::Object(
            fields
                .iter()
                .map(|(key, value)| (hcl::ObjectKey::from(key.clone()), json_expression(value)))
                .collect(),
        ),
        other => hcl::to_expression(other).unwrap_or(Expression::Null),
    }
}
