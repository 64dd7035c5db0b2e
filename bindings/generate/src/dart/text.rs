//! Lines of Dart, as its formatter would lay them out.

/// No line is longer, in characters; `flutter/analysis_options.yaml` says the same.
const WIDTH: usize = 100;

/// Source that grows.
#[derive(Default)]
pub(crate) struct Text {
    text: String,
    indent: usize,
}

impl Text {
    pub(crate) fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.extend(std::iter::repeat_n(' ', self.indent));
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    pub(crate) fn blank(&mut self) {
        self.line("");
    }

    /// `open`, the lines of `inside` further to the right, `close`.
    pub(crate) fn block(&mut self, open: &str, close: &str, inside: impl FnOnce(&mut Self)) {
        self.line(open);
        self.indent += 2;
        inside(self);
        self.indent -= 2;
        self.line(close);
    }

    /// `open`, items with commas between, `close`: in one line if they fit, else in a line each.
    pub(crate) fn list(&mut self, open: &str, items: &[String], close: &str) {
        let one = format!("{open}{}{close}", items.join(", "));
        let nested = items.iter().any(|item| item.starts_with("if (") || item.starts_with("for ("));
        if self.indent + one.chars().count() <= WIDTH && !nested {
            return self.line(&one);
        }
        self.block(open, close, |text| {
            for item in items {
                text.line(&format!("{item},"));
            }
        });
    }

    /// A comment of documentation, in lines that fit.
    pub(crate) fn doc(&mut self, text: &str) {
        let room = WIDTH - self.indent - "/// ".len();
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                self.line(&format!("/// {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(&format!("/// {line}"));
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// `last_synced_at` → `lastSyncedAt`.
pub(crate) fn camel(snake: &str) -> String {
    let pascal = pascal(snake);
    let mut letters = pascal.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// `link_used` → `LinkUsed`.
pub(crate) fn pascal(snake: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    };
    snake.split('_').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_dart() {
        assert_eq!(camel("last_synced_at"), "lastSyncedAt");
        assert_eq!(pascal("link_used"), "LinkUsed");
    }

    #[test]
    fn what_is_long_is_split() {
        let mut text = Text::default();
        text.list("f(", &["a".to_owned(), "b".to_owned()], ");");
        text.list("g(", &["a".repeat(60), "b".repeat(60)], ");");
        text.doc(&"word ".repeat(30));
        let text = text.finish();
        assert!(text.starts_with("f(a, b);\ng(\n  aaa"));
        assert!(text.contains("bbb,\n);\n/// word"));
        assert!(text.lines().all(|line| line.len() <= WIDTH));
    }
}
