//! What holds for any input.

use kecs_model::shape::{Kind, Structure};
use kecs_model::{Operation, check};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

fn any_operation() -> impl Strategy<Value = Operation> {
    select(Operation::ALL)
}

fn classic() -> impl Strategy<Value = Operation> {
    select(Operation::classic().collect::<Vec<_>>())
}

/// Any JSON, with names of members among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        ".{0,4}",
        select(vec![
            "cluster",
            "tags",
            "key",
            "name",
            "containerDefinitions",
            "tasks",
            "networkConfiguration",
            "createdAt",
            "weight",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(key.clone(), inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// An input that is mostly of the right types and often breaks a rule. Made from a row of numbers, so that it shrinks
/// with them.
struct Dice<'a> {
    throws: &'a [u32],
    next: usize,
}

impl Dice<'_> {
    fn throw(&mut self, sides: u32) -> u32 {
        let throw = self.throws.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        throw % sides
    }

    fn structure(&mut self, shape: &Structure, depth: usize) -> Value {
        let mut members = Map::new();
        for member in shape.members {
            // What is required is mostly there, and the rest thins out with depth.
            let there = if member.rules.required {
                self.throw(16) != 1
            } else {
                self.throw(2 + 2 * to_u32(depth)) == 1
            };
            if there {
                members.insert(member.name.to_owned(), self.value(member.kind, depth));
            }
        }
        Value::Object(members)
    }

    fn value(&mut self, kind: Kind, depth: usize) -> Value {
        if self.throw(200) == 1 {
            return json!(["of another type", null, {}]);
        }
        match kind {
            Kind::String => {
                let texts = [
                    "a",
                    "b-1",
                    "",
                    "enabled",
                    "arn:aws:ecs:us-east-1:1:cluster/a",
                    "ü x",
                    "ACTIVE",
                ];
                json!(texts[self.throw(to_u32(texts.len())) as usize])
            }
            Kind::Enum(words) => json!(words[self.throw(to_u32(words.len())) as usize]),
            Kind::Integer | Kind::Long => json!([1, 5, 0, 60, 25, -1, 70_000][self.throw(7) as usize]),
            Kind::Double => json!([1.5, 3.5, 99.5, 100.5, -0.5][self.throw(5) as usize]),
            Kind::Boolean => json!(self.throw(2) == 1),
            Kind::Timestamp => json!([0, 1_700_000_000, -1][self.throw(3) as usize]),
            Kind::Document => json!({"any": [1, 2]}),
            Kind::List(element) => {
                let size = self.throw(3);
                Value::Array((0..size).map(|_| self.value(*element, depth + 1)).collect())
            }
            Kind::Map(element) => json!({"k": self.value(*element, depth + 1)}),
            Kind::Structure(shape) => self.structure(shape(), depth + 1),
        }
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_check_never_panics_and_says_the_same_twice(operation in any_operation(), input in any_json()) {
        let first = check(operation, &input);
        prop_assert_eq!(&first, &check(operation, &input));
        if first.is_ok() {
            prop_assert!(operation.normalize(input).unwrap().is_ok());
        }
    }

    #[test]
    fn what_is_accepted_is_read_and_written_as_it_was(
        operation in classic(),
        throws in vec(any::<u32>(), 0..200),
    ) {
        let mut dice = Dice { throws: &throws, next: 0 };
        let input = dice.structure(operation.input().unwrap(), 0);
        if check(operation, &input).is_ok() {
            prop_assert_eq!(operation.normalize(input.clone()).unwrap().unwrap(), input);
        }
    }
}

/// The property above would hold as well if nothing were ever accepted.
#[test]
fn the_least_inputs_of_the_dice_are_often_accepted() {
    let mut accepted = 0;
    for operation in Operation::classic() {
        for seed in 0..50_u32 {
            let throws: Vec<u32> = (0..300_u32)
                .map(|index| seed.wrapping_mul(7919).wrapping_add(index * index))
                .collect();
            let mut dice = Dice {
                throws: &throws,
                next: 0,
            };
            let input = dice.structure(operation.input().unwrap(), 0);
            accepted += u32::from(check(operation, &input).is_ok());
        }
    }
    assert!(accepted > 300, "{accepted} of 3000");
}
