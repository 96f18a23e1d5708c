//! A file that comes to its name when it is complete and has been looked at, or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};
use viewbridge::Error;

use crate::failure::Failure;

/// A file on its way. Dropped before it is kept, it is gone.
pub(crate) struct Staged {
    path: TempPath,
    target: PathBuf,
}

impl Staged {
    /// A new file in the folder of the one that it is to become, or of the file that a link of that name leads to.
    pub(crate) fn new(target: &Path) -> Result<Self, Failure> {
        let io = |error: std::io::Error| Failure::file(target)(error.into());
        let existing = target.metadata().ok();
        if existing.as_ref().is_some_and(|found| !found.is_file()) {
            let path = target.to_owned();
            return Err(Failure::NoFile { path });
        }
        let target = target.canonicalize().unwrap_or_else(|_| target.to_owned());
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let path = create(folder).map_err(io)?;
        if let Some(existing) = existing {
            fs::set_permissions(&path, existing.permissions()).map_err(io)?;
        }
        Ok(Self { path, target })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, and takes it from whatever had it.
    pub(crate) fn keep(self) -> Result<(), Failure> {
        let Self { path, target } = self;
        path.persist(&target)
            .map_err(|failed| Failure::file(&target)(Error::from(failed.error)))
    }
}

/// A file for others to read, as far as the process lets them: temporary files are for their owner alone by default.
fn create(folder: &Path) -> std::io::Result<TempPath> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".convert-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map(NamedTempFile::into_temp_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_in_full_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let staged = Staged::new(&path).unwrap();
        fs::write(staged.path(), "half").unwrap();
        drop(staged);
        assert!(names(folder.path()).is_empty());

        let staged = Staged::new(&path).unwrap();
        fs::write(staged.path(), "new").unwrap();
        staged.keep().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a"]);
        assert!(matches!(Staged::new(folder.path()), Err(Failure::NoFile { .. })));
        let nowhere = folder.path().join("none/a");
        assert!(matches!(Staged::new(&nowhere), Err(Failure::File { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::fs::Permissions;
        use std::os::unix::fs::{PermissionsExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        let staged = Staged::new(&link).unwrap();
        fs::write(staged.path(), "new").unwrap();
        staged.keep().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }
}
