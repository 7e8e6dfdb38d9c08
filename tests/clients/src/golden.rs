//! Files of expected text in the repository.

use std::path::Path;

/// Holds `text` against the file at `path`, relative to the root of the repository. With `INSTA_UPDATE=always` the
/// file is written instead, and its diff is what is reviewed.
pub fn golden(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var("INSTA_UPDATE").is_ok_and(|it| it == "always") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = expected
        .lines()
        .zip(text.lines())
        .find(|(one, other)| one != other);
    assert!(
        expected == text,
        "{path} is out of date (INSTA_UPDATE=always writes it); it has {} lines and now there are {}; the first that differs: {differs:?}",
        expected.lines().count(),
        text.lines().count(),
    );
}
