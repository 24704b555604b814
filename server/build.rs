//! Templates, static files and migrations are compiled in: a change of one of them has to rebuild the crate.

fn main() {
    for folder in ["../migrations", "templates", "static"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
