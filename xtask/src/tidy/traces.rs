//! Nothing in the project depends on the machine it was written on: no absolute path, no private package registry.

use super::Complaint;
use super::tree::{File, Tree};

/// Directories of one machine; spelled in halves, so that this file does not find itself.
const DIRECTORIES: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// Lines with a machine's path or another registry than the public ones.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.files.iter().flat_map(|file| paths(file).into_iter().chain(registries(file))).collect()
}

fn paths(file: &File) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (number, line) in file.numbered() {
        if let Some(directory) = DIRECTORIES.iter().find(|directory| begins_path(line, directory)) {
            let message = format!(
                "`{directory}` is a path of one machine: use a relative path or a variable"
            );
            complaints.push(Complaint::line(&file.path, number, message));
        }
    }
    complaints
}

/// Whether the directory stands at the beginning of a path, and not in the middle of a longer one.
fn begins_path(line: &str, directory: &str) -> bool {
    line.match_indices(directory).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}/*".contains(c))
    })
}

fn registries(file: &File) -> Vec<Complaint> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let (field, public) = match name {
        "Cargo.lock" => ("source = ", "registry+https://github.com/rust-lang/crates.io-index"),
        "package-lock.json" => ("\"resolved\": ", "https://registry.npmjs.org/"),
        name if name.starts_with("requirements") => ("index-url", "https://pypi.org/"),
        _ => return Vec::new(),
    };
    let foreign = |(_, line): &(usize, &str)| line.contains(field) && !line.contains(public);
    let message = format!("packages come from {public} only");
    file.numbered()
        .filter(foreign)
        .map(|(number, _)| Complaint::line(&file.path, number, message.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|complaint| complaint.place).collect()
    }

    #[test]
    fn a_path_of_one_machine_is_found_in_any_file() {
        for directory in DIRECTORIES {
            assert_eq!(
                places("docs/a.md", &format!("Run.\n`{directory}x` is it.\n")),
                ["docs/a.md:2"]
            );
        }
    }

    #[test]
    fn a_directory_in_the_middle_of_a_path_is_left_alone() {
        assert_eq!(
            places("a.py", concat!("open(base + \"data/ho", "me/x\")\n")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_lock_file_with_a_package_of_another_registry_is_a_complaint() {
        let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+https://x\"\n";
        assert_eq!(places("Cargo.lock", source), ["Cargo.lock:2"]);
        assert_eq!(
            places("conformance/requirements.txt", "--index-url https://mirror.example\n").len(),
            1
        );
    }
}
