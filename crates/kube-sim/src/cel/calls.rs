//! What the call of a function costs at worst, and how large its result is.

use super::cost::{Coster, Elements, Estimate, PATTERN_LENGTH, Range, STRING_TRAVERSAL, either};
use super::functions::Signature;
use super::typed::{Part, Typed};
use super::value_type::Type;

/// A call with one of its signatures.
pub(super) struct Call<'a> {
    pub(super) function: &'a str,
    /// `None` for the selection of an optional field.
    pub(super) signature: Option<&'static Signature>,
    pub(super) target: Option<Operand<'a>>,
    pub(super) arguments: Vec<Operand<'a>>,
    /// The cost of all arguments.
    pub(super) sum: Range,
    pub(super) sizes: &'a Coster<'a>,
}

/// A parameter of a call.
pub(super) struct Operand<'a> {
    typed: &'a Typed,
    path: &'a [String],
    cost: Range,
    size: Option<Range>,
    elements: Option<Elements>,
}

impl<'a> Operand<'a> {
    pub(super) fn of(estimate: &'a Estimate<'_>) -> Self {
        Self {
            typed: estimate.typed,
            path: &estimate.path,
            cost: estimate.cost,
            size: estimate.size,
            elements: estimate.elements,
        }
    }

    fn size(&self) -> Range {
        self.size.unwrap_or(Range::UNKNOWN)
    }
}

/// What a call costs, its arguments included.
pub(super) struct CallEstimate {
    pub(super) cost: Range,
    pub(super) size: Option<Range>,
    pub(super) elements: Option<Elements>,
    /// Where the result stands in the first argument.
    pub(super) step: Option<&'static str>,
}

impl From<Range> for CallEstimate {
    fn from(cost: Range) -> Self {
        Self {
            cost,
            size: None,
            elements: None,
            step: None,
        }
    }
}

impl CallEstimate {
    fn sized(cost: Range, size: Range) -> Self {
        Self {
            size: Some(size),
            ..cost.into()
        }
    }
}

const ONE: Range = Range::exactly(1);
/// To go through a string, and to write another.
const TWO_TRAVERSALS: f64 = 2.0 * STRING_TRAVERSAL;
/// The length of the longest pattern of a named format.
const LONGEST_FORMAT: f64 = 128.0;
/// The bytes of an address.
const ADDRESS: Range = Range { min: 4, max: 16 };

impl Call<'_> {
    pub(super) fn estimate(&self) -> CallEstimate {
        match self.library() {
            Some(mut estimate) => {
                estimate.cost = estimate.cost.plus(self.sum);
                estimate
            }
            None => self.standard(),
        }
    }

    fn argument(&self, at: usize) -> Range {
        self.arguments.get(at).map_or(Range::exactly(0), Operand::size)
    }

    fn target_size(&self) -> Range {
        self.target.as_ref().map_or(Range::exactly(0), Operand::size)
    }

    fn takes(&self, parameters: &[Type]) -> bool {
        self.signature
            .is_some_and(|signature| signature.takes(parameters))
    }

    /// Whether the first parameter is of a type.
    fn is_of(&self, wanted: &str) -> bool {
        let first = self.signature.and_then(|signature| signature.parameters.first());
        first.is_some_and(|first| first.to_string() == wanted)
    }

    /// The functions of the libraries of Kubernetes, and those that it weighs itself; without the arguments' cost.
    fn library(&self) -> Option<CallEstimate> {
        let traversal = |size: Range| size.scaled(STRING_TRAVERSAL);
        let target = self.target.is_some().then(|| self.target_size());
        let count = self.arguments.len();
        Some(match self.function {
            "check" => Range::exactly(350_000).into(),
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => self.sequence()?.into(),
            "url" if count == 1 => CallEstimate::sized(traversal(self.argument(0)), self.argument(0)),
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                CallEstimate::sized(traversal(target?), target?)
            }
            "replace" if count >= 2 => {
                CallEstimate::sized(target?.scaled(TWO_TRAVERSALS), self.replaced(target?))
            }
            "split" => {
                let max = match self.arguments.get(1).map(|it| &it.typed.part) {
                    Some(Part::Number(number)) => u64::try_from(*number).unwrap_or(u64::MAX),
                    Some(_) | None => target?.max,
                };
                CallEstimate::sized(target?.scaled(TWO_TRAVERSALS), Range { min: 0, max })
            }
            "join" => {
                let size = self.joined()?;
                CallEstimate::sized(traversal(size), size)
            }
            "find" | "findAll" if count >= 1 => {
                let size = Range {
                    min: 0,
                    max: target?.max,
                };
                CallEstimate::sized(pattern_cost(target?, self.argument(0)), size)
            }
            "ip" if self.is_of("net.CIDR") => ONE.into(),
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver"
                if count >= 1 =>
            {
                traversal(self.argument(0)).into()
            }
            "ip.isCanonical" if count >= 1 => self.argument(0).scaled(TWO_TRAVERSALS).into(),
            "containsIP" | "containsCIDR" if count >= 1 => self.contains_address().into(),
            "validate" if count >= 1 => traversal(self.argument(0))
                .scaled(LONGEST_FORMAT * PATTERN_LENGTH)
                .into(),
            "sets.contains" | "sets.intersects" => self.compared_sets(1.0).into(),
            // Each has to be in the other.
            "sets.equivalent" => self.compared_sets(2.0).into(),
            "fieldSelector" | "labelSelector" if count == 1 => selector(self.argument(0)).into(),
            "_==_" => self.equality()?.into(),
            function if ACCESSORS.contains(&function) => ONE.into(),
            _ => return None,
        })
    }

    /// To look at each element of a list, or each letter of a string.
    fn sequence(&self) -> Option<Range> {
        let target = self.target.as_ref()?;
        let Type::List(item) = &target.typed.of else {
            return Some(target.size().scaled(STRING_TRAVERSAL));
        };
        let mut each = ONE;
        if matches!(**item, Type::String | Type::Bytes) {
            each = each.plus(self.item_size(target).scaled(STRING_TRAVERSAL));
        }
        Some(target.size().times(each))
    }

    /// The declared size of the items of a list.
    fn item_size(&self, list: &Operand<'_>) -> Range {
        if list.path.is_empty() {
            return Range::UNKNOWN;
        }
        let mut path = list.path.to_vec();
        path.push("@items".to_owned());
        self.sizes.declared_size(&path).unwrap_or(Range::UNKNOWN)
    }

    fn joined(&self) -> Option<Range> {
        let target = self.target.as_ref()?;
        let list = target.size();
        let mut size = Range::exactly(0);
        if matches!(target.typed.of, Type::List(_)) {
            size = list.times(self.item_size(target));
        }
        if let Some(separator) = self.arguments.first() {
            let separators = Range {
                min: list.min.saturating_sub(1),
                max: list.max.saturating_sub(1),
            };
            size = size.plus(separator.size().times(separators));
        }
        Some(size)
    }

    /// The size of a string after its shortest, or longest, parts were replaced as often as can be.
    fn replaced(&self, whole: Range) -> Range {
        let (part, by) = (self.argument(0), self.argument(1));
        let (mut times, mut kept) = (Range::exactly(0), Range::exactly(0));
        if part.min == 0 {
            times.max = whole.max.saturating_add(1);
            kept.max = whole.max;
        } else if by.max <= part.min {
            kept.max = whole.max;
        } else {
            times.max = whole.max.div_ceil(part.min);
        }
        if part.max == 0 {
            times.min = whole.min.saturating_add(1);
            kept.min = whole.min;
        } else if part.max <= by.min {
            kept.min = whole.min;
        } else {
            times.min = whole.min.div_ceil(part.max);
        }
        times.times(by).plus(kept)
    }

    fn contains_address(&self) -> Range {
        let mut cost = ADDRESS.plus(ADDRESS).scaled(STRING_TRAVERSAL);
        if self.function == "containsCIDR" {
            cost = cost.plus(ADDRESS.scaled(STRING_TRAVERSAL)).plus(ONE);
        }
        if self.takes(&[Type::parse("net.CIDR"), Type::String]) {
            cost = cost.plus(self.argument(0).scaled(STRING_TRAVERSAL));
        }
        cost
    }

    /// To look for each element of one list in the other.
    fn compared_sets(&self, times: f64) -> Range {
        let pairs = self.argument(0).times(self.argument(1));
        pairs.scaled(times).plus(ONE)
    }

    /// To compare values of types of which the libraries know how they are compared.
    fn equality(&self) -> Option<Range> {
        let [left, right] = self.arguments.as_slice() else {
            return None;
        };
        if left.typed.of != right.typed.of {
            return None;
        }
        match left.typed.of.to_string().as_str() {
            "net.IP" | "net.CIDR" | "kubernetes.Quantity" | "kubernetes.Semver" => Some(ONE),
            "kubernetes.NamedFormat" => Some(Range { min: 1, max: 64 }.scaled(STRING_TRAVERSAL)),
            "kubernetes.URL" => {
                let max = right.size.map_or(1, |size| size.max);
                Some(Range { min: 1, max }.scaled(STRING_TRAVERSAL))
            }
            _ => None,
        }
    }

    /// The functions and operators of the language; with the arguments' cost.
    fn standard(&self) -> CallEstimate {
        let constant = || ONE.plus(self.sum).into();
        let traversal = |size: Range| size.scaled(STRING_TRAVERSAL).plus(self.sum);
        match (self.function, self.arguments.as_slice()) {
            ("format", _) if self.target.is_some() => traversal(self.target_size()).into(),
            ("bytes", [text]) if self.takes(&[Type::String]) => {
                let size = text.size();
                let most = size.max.wrapping_mul(4);
                CallEstimate::sized(
                    traversal(size),
                    Range {
                        min: size.min,
                        max: most,
                    },
                )
            }
            ("string", [bytes]) if self.takes(&[Type::Bytes]) => {
                let size = bytes.size();
                CallEstimate::sized(
                    traversal(size),
                    Range {
                        min: size.min / 4,
                        max: size.max,
                    },
                )
            }
            ("strings.quote", [text]) => {
                let size = text.size();
                let quoted = Range {
                    min: size.min.wrapping_add(2),
                    max: size.max.wrapping_mul(2).wrapping_add(2),
                };
                CallEstimate::sized(traversal(size), quoted)
            }
            ("startsWith" | "endsWith", [text]) => traversal(text.size()).into(),
            ("@in", [_, list]) if !self.looks_in_map() => list.size().plus(self.sum).into(),
            ("matches", [pattern]) if self.target.is_some() => {
                let cost = pattern_cost(self.target_size(), pattern.size());
                cost.plus(self.sum).into()
            }
            ("contains", [part]) if self.target.is_some() => {
                let whole = self.target_size().scaled(STRING_TRAVERSAL);
                whole
                    .times(part.size().scaled(STRING_TRAVERSAL))
                    .plus(self.sum)
                    .into()
            }
            ("_&&_" | "_||_", [left, right]) => Range {
                min: left.cost.min,
                max: left.cost.plus(right.cost).max,
            }
            .into(),
            ("_?_:_", [condition, one, other]) => CallEstimate {
                cost: condition.cost.plus(one.cost.or(other.cost)),
                size: Some(one.size().or(other.size())),
                elements: either(one.elements, other.elements),
                step: None,
            },
            ("_+_", [left, right]) if self.concatenates() => {
                let size = left.size().plus(right.size());
                let cost = if self.is_of("list(A)") {
                    ONE.plus(self.sum)
                } else {
                    traversal(size)
                };
                CallEstimate {
                    elements: either(left.elements, right.elements),
                    ..CallEstimate::sized(cost, size)
                }
            }
            ("_[_]", _) if self.is_of("list(A)") => CallEstimate {
                step: Some("@items"),
                ..constant()
            },
            ("_[_]", _) if self.is_of("map(A, B)") => CallEstimate {
                step: Some("@values"),
                ..constant()
            },
            ("_==_" | "_!=_", [left, right]) => self.compared(left, right),
            ("_<_" | "_<=_" | "_>_" | "_>=_", [left, right])
                if self.takes(&[Type::String, Type::String]) || self.takes(&[Type::Bytes, Type::Bytes]) =>
            {
                self.compared(left, right)
            }
            _ => constant(),
        }
    }

    fn looks_in_map(&self) -> bool {
        let second = self.signature.and_then(|signature| signature.parameters.get(1));
        matches!(second, Some(Type::Map(_, _)))
    }

    fn concatenates(&self) -> bool {
        self.is_of("string") || self.is_of("bytes") || self.is_of("list(A)")
    }

    /// To compare two values: as much of them as the shorter has.
    fn compared(&self, left: &Operand<'_>, right: &Operand<'_>) -> CallEstimate {
        let max = left.size().max.min(right.size().max);
        let size = Range {
            min: u64::from(max > 0),
            max,
        };
        size.scaled(STRING_TRAVERSAL).plus(self.sum).into()
    }
}

/// Functions that only look something up.
const ACCESSORS: [&str; 38] = [
    "serviceAccount",
    "path",
    "group",
    "resource",
    "subresource",
    "namespace",
    "name",
    "allowed",
    "reason",
    "error",
    "errored",
    "masked",
    "prefixLength",
    "family",
    "isUnspecified",
    "isLoopback",
    "isLinkLocalMulticast",
    "isLinkLocalUnicast",
    "isGlobalUnicast",
    "format.named",
    "sign",
    "asInteger",
    "isInteger",
    "asApproximateFloat",
    "isGreaterThan",
    "isLessThan",
    "compareTo",
    "add",
    "sub",
    "major",
    "minor",
    "patch",
    "getScheme",
    "getHostname",
    "getHost",
    "getPort",
    "getEscapedPath",
    "getQuery",
];

/// To match a pattern: both lengths count.
fn pattern_cost(text: Range, pattern: Range) -> Range {
    let text = text.plus(ONE).scaled(STRING_TRAVERSAL);
    text.times(pattern.scaled(PATTERN_LENGTH))
}

/// To read a selector: each two letters may be a requirement, which is a message and a list.
fn selector(text: Range) -> Range {
    let requirements = text.scaled(0.5).scaled(50.0);
    Range::exactly(10)
        .plus(text.scaled(STRING_TRAVERSAL))
        .plus(requirements)
}
