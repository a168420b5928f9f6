//! docs/benchmarks.md, section by section: measuring one part again keeps what is said of the others.

/// A section: its heading, and the text below it.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) heading: &'static str,
    pub(crate) text: String,
}

/// The document with these sections in the places of those of the same heading, or at the end.
pub(crate) fn merged(old: &str, intro: &str, new: &[Section]) -> String {
    let mut sections: Vec<(&str, &str)> = old.split("\n## ").skip(1).filter_map(|part| part.split_once('\n')).collect();
    for section in new {
        match sections.iter_mut().find(|(heading, _)| *heading == section.heading) {
            Some((_, text)) => *text = &section.text,
            None => sections.push((section.heading, &section.text)),
        }
    }
    let sections = sections.iter().map(|(heading, text)| format!("\n## {heading}\n\n{}\n", text.trim()));
    format!("{}\n{}", intro.trim_end(), sections.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_again_keeps_the_others() {
        let section = |heading, text: &str| Section { heading, text: text.to_owned() };
        let first = merged("", "# B\n", &[section("A", "1"), section("C", "| x |\n\nafter\n")]);
        assert_eq!(first, "# B\n\n## A\n\n1\n\n## C\n\n| x |\n\nafter\n");
        assert_eq!(merged(&first, "# B\n", &[section("A", "2")]), first.replace("1\n", "2\n"));
        assert!(merged(&first, "# B\n", &[section("D", "3")]).ends_with("after\n\n## D\n\n3\n"));
    }
}
