//! Inputs of operations: of the right shape mostly, with what is there already, and with what no client would say.

use clients::random::Random;
use kecs_model::shape::{Kind, Limits, Member, Structure};
use serde_json::{Map, Number, Value};

/// How deep a value goes.
const DEPTH: usize = 8;
/// How many names are kept in mind.
const MEMORY: usize = 512;

/// Names that go around from the beginning.
const NAMES: &[&str] = &[
    "default",
    "app",
    "web",
    "app:1",
    "web:2",
    "AWSVPC",
    "awsvpc",
    "256",
    "512",
    "1024",
    "FARGATE",
    "FARGATE_SPOT",
    "EC2",
    "subnet-0a1b2c3d",
    "attribute:ecs.os-type",
    "memberOf",
    "tag",
    "*",
    "cpu",
    "latest",
    "registry.invalid/app:1",
];

/// Texts that break things.
const ODD: &[&str] = &[
    "",
    " ",
    "\u{0}",
    "\u{7f}",
    "\u{feff}",
    "\u{202e}",
    "🦀",
    "e\u{301}",
    "../../etc/passwd",
    "arn:aws:ecs",
    "arn:::::",
    "arn:aws:ecs:us-east-1:123456789012:task/",
    "arn:aws:ecs:us-east-1:123456789012:service/a/b/c/d",
    "app:",
    ":1",
    "app:0",
    "app:-1",
    "app:99999999999999999999",
    "a/b",
    "a'b\"c",
    "%00",
    "${app}",
    "attribute:x in [",
    "((((",
    "!",
    "9223372036854775808",
    "2026-13-41T99:99:99Z",
    "null",
    "{}",
];

/// What answers have named.
#[derive(Debug, Default)]
pub(crate) struct Known {
    names: Vec<String>,
    next: usize,
}

impl Known {
    /// Keeps every name in an answer, in the place of the oldest ones.
    pub(crate) fn learn(&mut self, value: &Value) {
        match value {
            Value::String(text) if !text.is_empty() && text.len() < 512 => {
                if self.names.len() < MEMORY {
                    self.names.push(text.clone());
                } else {
                    self.names[self.next % MEMORY].clone_from(text);
                    self.next += 1;
                }
            }
            Value::Array(all) => all.iter().for_each(|it| self.learn(it)),
            Value::Object(all) => all.values().for_each(|it| self.learn(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// An input of this structure.
pub(crate) fn input(random: &mut Random, known: &Known, structure: &Structure) -> Value {
    // In most inputs everything is plausible: what is refused at once reaches nothing.
    let oddness = *random.pick(&[0, 0, 0, 1, 5, 30]).unwrap_or(&0);
    Values {
        random,
        known,
        oddness,
    }
    .structure(structure, 0)
}

struct Values<'a> {
    random: &'a mut Random,
    known: &'a Known,
    /// So many values in a hundred are not what is expected.
    oddness: usize,
}

impl Values<'_> {
    fn structure(&mut self, structure: &Structure, depth: usize) -> Value {
        let mut members = Map::new();
        // Some inputs are nearly full, and some nearly empty.
        let fullness = *self.random.pick(&[2, 10, 30, 80]).unwrap_or(&10);
        for member in structure.members {
            let there = member.rules.required && !self.random.chance(self.oddness)
                || depth < DEPTH && self.random.chance(fullness);
            if there {
                members.insert(member.name.to_owned(), self.member(member, depth));
            }
        }
        if self.random.chance(self.oddness) {
            members.insert("unknown".to_owned(), self.anything());
        }
        Value::Object(members)
    }

    fn member(&mut self, member: &Member, depth: usize) -> Value {
        self.value(member.kind, &member.rules.limits, depth)
    }

    fn value(&mut self, kind: Kind, limits: &Limits, depth: usize) -> Value {
        if self.random.chance(self.oddness) {
            return self.anything();
        }
        match kind {
            Kind::String => Value::String(self.text(limits)),
            Kind::Enum(words) => Value::String((*self.random.pick(words).unwrap_or(&"")).to_owned()),
            Kind::Integer | Kind::Long => self.number(limits).into(),
            Kind::Double => {
                let numbers = [0.0, -0.0, 0.5, 1.0, 100.0, 1e-300, 1e300, -1.0];
                Number::from_f64(*self.random.pick(&numbers).unwrap_or(&0.0))
                    .map_or(Value::Null, Value::Number)
            }
            Kind::Boolean => self.random.chance(50).into(),
            Kind::Timestamp => self.number(&Limits::NONE).into(),
            Kind::Document => self.anything(),
            Kind::List(of) => {
                let size = *self.random.pick(&[0, 1, 1, 1, 2, 3, 11]).unwrap_or(&1);
                (0..size)
                    .map(|_| self.value(*of, &Limits::NONE, depth + 1))
                    .collect()
            }
            Kind::Map(of) => {
                let size = self.random.below(3);
                let entry = |_| {
                    (
                        self.text(&Limits::NONE),
                        self.value(*of, &Limits::NONE, depth + 1),
                    )
                };
                (0..size).map(entry).collect::<Map<_, _>>().into()
            }
            Kind::Structure(of) => self.structure(of(), depth + 1),
        }
    }

    fn text(&mut self, limits: &Limits) -> String {
        let odd = self.random.chance(self.oddness);
        let known = self.random.chance(70);
        let chosen = match (odd, known) {
            (true, _) => self.random.pick(ODD).copied(),
            (false, true) => self.random.pick(&self.known.names).map(String::as_str),
            (false, false) => self.random.pick(NAMES).copied(),
        };
        let chosen = chosen.unwrap_or("app");
        match limits.max {
            // At the edge, and just beyond it.
            Some(max) if self.random.chance(self.oddness) => {
                let length = usize::try_from(max).unwrap_or_default().min(5_000);
                "a".repeat(length + self.random.below(2))
            }
            Some(_) | None => chosen.to_owned(),
        }
    }

    fn number(&mut self, limits: &Limits) -> i64 {
        let edges = [limits.min, limits.max].map(|it| it.unwrap_or(1));
        let numbers = [0, 1, 1, 2, 3, 10, 64, 100, 200, 256, 512, edges[0], edges[1], -1];
        let odd = [
            i64::MIN,
            i64::MAX,
            i64::from(i32::MAX),
            i64::from(i32::MIN),
            1 << 53,
            65_536,
        ];
        let of: &[i64] = if self.random.chance(self.oddness) {
            &odd
        } else {
            &numbers
        };
        *self.random.pick(of).unwrap_or(&0)
    }

    fn anything(&mut self) -> Value {
        match self.random.below(9) {
            0 => Value::Null,
            1 => true.into(),
            2 => self.number(&Limits::NONE).into(),
            3 => Number::from_f64(1.5e300).map_or(Value::Null, Value::Number),
            4 => Value::Array(vec![Value::Null; self.random.below(120)]),
            5 => Value::Object(Map::new()),
            6 => (0..self.random.below(100)).fold(Value::Null, |within, _| Value::Array(vec![within])),
            7 => "x".repeat(self.random.below(70_000)).into(),
            _ => (*self.random.pick(ODD).unwrap_or(&"")).into(),
        }
    }
}
