//! A graph as an SVG picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use capt_core::graph::{DependencyGraph, NodeKey, NodeView};
use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::{Point, get_size_for_str};
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;

/// The size of the letters, in pixels.
const FONT: usize = 14;

/// How wide a letter is, in pixels: the library takes letters to be as wide as they are high.
const LETTER: usize = 9;

/// How high a line is, in pixels.
const LINE: f64 = 16.0;

/// What is left free around a text in its box, and around the picture, in pixels.
const MARGIN: f64 = 12.0;

/// A graph as an SVG picture: a box for each node, an arrow to each thing that it depends on. The same graph gives the
/// same bytes.
pub(crate) fn render<N: NodeKey>(graph: &DependencyGraph<N>, view: impl Fn(&N) -> NodeView) -> String {
    let orientation = Orientation::TopToBottom;
    let mut drawing = VisualGraph::new(orientation);
    let mut handles = BTreeMap::new();
    for node in graph.nodes() {
        let label = label(&view(node));
        let size = get_size_for_str(&label, LETTER);
        let size = Point::new(size.x + 2.0 * MARGIN, size.y + 2.0 * MARGIN);
        let look = StyleAttr::new(Color::fast("black"), 1, Some(Color::fast("white")), 4, LETTER);
        let element = Element::create(ShapeKind::new_box(&label), look, orientation, size);
        handles.insert(node.clone(), drawing.add_node(element));
    }
    for (dependent, dependency) in graph.edges() {
        if let (Some(from), Some(to)) = (handles.get(dependent), handles.get(dependency)) {
            drawing.add_edge(Arrow::simple(""), *from, *to);
        }
    }
    let mut canvas = Canvas::default();
    if !graph.is_empty() {
        drawing.do_it(false, false, false, &mut canvas);
    }
    canvas.finish()
}

fn label(view: &NodeView) -> String {
    let name = format!("{} {}", view.kind, view.name);
    if view.status.is_empty() {
        name
    } else {
        format!("{name}\n{}", view.status)
    }
}

/// What is drawn. The canvas of the library has no room for its texts and takes fonts in the order of a hash map.
#[derive(Default)]
struct Canvas {
    shapes: String,
    width: f64,
    height: f64,
}

impl Canvas {
    fn reach(&mut self, point: Point) {
        self.width = self.width.max(point.x + MARGIN);
        self.height = self.height.max(point.y + MARGIN);
    }

    // Writing to a String cannot fail.
    fn put(&mut self, shape: std::fmt::Arguments<'_>) {
        let _ = self.shapes.write_fmt(shape);
        self.shapes.push('\n');
    }

    fn finish(self) -> String {
        let (width, height) = (self.width.ceil(), self.height.ceil());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\">\n<defs><marker id=\"arrow\" markerWidth=\"10\" markerHeight=\"7\" refX=\"10\" refY=\"3.5\" \
             orient=\"auto\"><polygon points=\"0 0, 10 3.5, 0 7\" fill=\"#444\"/></marker></defs>\n\
             <style>text {{ font: {FONT}px monospace; text-anchor: middle }} rect {{ fill: #fff; stroke: #444 }} \
             path {{ fill: none; stroke: #444 }}</style>\n<rect width=\"{width}\" height=\"{height}\" \
             style=\"stroke:none\"/>\n{}</svg>\n",
            self.shapes
        )
    }
}

impl RenderBackend for Canvas {
    fn draw_rect(
        &mut self,
        xy: Point,
        size: Point,
        look: &StyleAttr,
        _: Option<String>,
        _: Option<ClipHandle>,
    ) {
        self.reach(Point::new(xy.x + size.x, xy.y + size.y));
        let radius = look.rounded;
        self.put(format_args!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{radius}\"/>",
            xy.x, xy.y, size.x, size.y
        ));
    }

    fn draw_line(&mut self, start: Point, stop: Point, _: &StyleAttr, _: Option<String>) {
        self.reach(start);
        self.reach(stop);
        self.put(format_args!(
            "<path d=\"M {:.1} {:.1} L {:.1} {:.1}\"/>",
            start.x, start.y, stop.x, stop.y
        ));
    }

    // Only boxes are drawn.
    fn draw_circle(&mut self, xy: Point, size: Point, look: &StyleAttr, properties: Option<String>) {
        self.draw_rect(xy, size, look, properties, None);
    }

    fn draw_text(&mut self, xy: Point, text: &str, _: &StyleAttr) {
        let lines: Vec<&str> = text.lines().collect();
        // The middle of the lines is at the middle of the box; a letter's middle is a third above its foot.
        let first = xy.y - LINE * (pixels(lines.len()) - 1.0) / 2.0 + pixels(FONT) / 3.0;
        for (number, line) in lines.into_iter().enumerate() {
            let y = first + LINE * pixels(number);
            self.put(format_args!(
                "<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                xy.x,
                escape(line)
            ));
        }
    }

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _: bool,
        head: (bool, bool),
        _: &StyleAttr,
        _: Option<String>,
        _: &str,
    ) {
        let [(start, leaving), (arriving, end), rest @ ..] = path else {
            return;
        };
        for (a, b) in path {
            self.reach(*a);
            self.reach(*b);
        }
        let mut line = format!(
            "M {:.1} {:.1} C {:.1} {:.1}, {:.1} {:.1}, {:.1} {:.1}",
            start.x, start.y, leaving.x, leaving.y, arriving.x, arriving.y, end.x, end.y
        );
        for (control, point) in rest {
            // Writing to a String cannot fail.
            let _ = write!(
                line,
                " S {:.1} {:.1}, {:.1} {:.1}",
                control.x, control.y, point.x, point.y
            );
        }
        let marker = |is: bool, end: &str| {
            if is {
                format!(" marker-{end}=\"url(#arrow)\"")
            } else {
                String::new()
            }
        };
        self.put(format_args!(
            "<path d=\"{line}\"{}{}/>",
            marker(head.0, "start"),
            marker(head.1, "end")
        ));
    }

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

/// A small count as a length.
fn pixels(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// A text for the inside of an element; what XML has no place for is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            control if control.is_control() => {}
            '\u{fffe}' | '\u{ffff}' => {}
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    struct Name(&'static str);

    impl fmt::Display for Name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl NodeKey for Name {}

    fn view(name: &Name) -> NodeView {
        NodeView {
            kind: "Kind".to_owned(),
            name: name.0.to_owned(),
            status: "<b>&\"'\u{7}</b>".to_owned(),
        }
    }

    fn graph() -> DependencyGraph<Name> {
        let mut graph = DependencyGraph::new();
        for (from, to) in [
            ("a", "b"),
            ("a", "c"),
            ("b", "d"),
            ("c", "d"),
            ("a", "d"),
            ("x", "d"),
        ] {
            graph.try_add_edge(Name(from), Name(to)).unwrap();
        }
        graph.add_node(Name("alone"));
        graph
    }

    #[test]
    fn there_is_a_box_for_each_node_and_an_arrow_for_each_edge() {
        let picture = render(&graph(), view);
        // One rectangle is the ground.
        assert_eq!(picture.matches("<rect x=").count(), 6);
        assert_eq!(picture.matches("marker-end").count(), 6);
        assert!(
            picture.contains(">&lt;b&gt;&amp;&quot;&apos;&lt;/b&gt;</text>"),
            "{picture}"
        );
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let picture = render(&graph(), view);
        let size = |name: &str| -> f64 {
            let rest = picture.split_once(&format!("{name}=\"")).unwrap().1;
            rest.split('"').next().unwrap().parse().unwrap()
        };
        let (width, height) = (size("width"), size("height"));
        for line in picture.lines().filter(|line| line.starts_with("<text")) {
            let number = |name: &str| -> f64 {
                let rest = line.split_once(&format!(" {name}=\"")).unwrap().1;
                rest.split('"').next().unwrap().parse().unwrap()
            };
            assert!((0.0..width).contains(&number("x")), "{line}");
            assert!((0.0..height).contains(&number("y")), "{line}");
        }
        assert!(height < 1000.0 && width < 2000.0, "{width} x {height}");
    }

    #[test]
    fn the_same_graph_gives_the_same_bytes() {
        let first = render(&graph(), view);
        for _ in 0..10 {
            assert_eq!(render(&graph(), view), first);
        }
    }

    #[test]
    fn an_empty_graph_is_an_empty_picture() {
        let picture = render(&DependencyGraph::<Name>::new(), view);
        assert!(
            picture.starts_with("<svg ") && picture.ends_with("</svg>\n"),
            "{picture}"
        );
    }
}
