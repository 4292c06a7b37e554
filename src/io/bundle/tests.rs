//! Archives that somebody made by hand, and archives of ours.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::archive::unpack;
use super::*;
use crate::wire::release::bundle_check::Contents;

/// An archive of these entries: path, kind, content.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, kind, bytes) in entries {
        let mut header = Header::new_ustar();
        // Written past the checks of the library, as a forger would.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if *kind == EntryType::Symlink {
            header.set_link_name("/etc/passwd").expect("a link");
        }
        header.set_cksum();
        builder.append(&header, *bytes).expect("memory takes it");
    }
    builder.into_inner().and_then(GzEncoder::finish).expect("memory takes it")
}

fn problems(entries: &[(&str, EntryType, &[u8])]) -> Vec<String> {
    unpack(archive(entries).as_slice()).expect("an archive").problems
}

const FILE: EntryType = EntryType::Regular;

#[test]
fn what_was_packed_is_unpacked_and_packing_is_reproducible() {
    let files: BTreeMap<String, Vec<u8>> =
        [("a.md", "one"), ("b.json", "{}")].map(|(name, text)| (name.to_owned(), text.into())).into();
    let packed = pack("v1", &files, 1_767_225_600).expect("packed");
    assert_eq!(pack("v1", &files, 1_767_225_600).expect("packed"), packed);
    // Neither time nor system stand in the head of the gzip file.
    assert_eq!(packed[4..10], [0, 0, 0, 0, 0, 255]);
    let Contents { files: unpacked, problems } = unpack(packed.as_slice()).expect("an archive");
    assert_eq!((unpacked, problems), (files, Vec::new()));
}

#[test]
fn paths_that_lead_elsewhere_are_problems_and_give_no_file() {
    for path in ["../x", "/etc/x", "v1/../x", "v1/sub/x", "..", "x", "./x", "v1//x"] {
        let found =
            unpack(archive(&[("v1/a", FILE, b"1"), (path, FILE, b"2")]).as_slice()).expect("an archive");
        assert_eq!(found.problems.len(), 1, "{path}");
        assert_eq!(found.files.len(), 1, "{path}");
    }
    assert_eq!(problems(&[("v1/a", FILE, b"1"), ("v2/b", FILE, b"2")]).len(), 1);
}

#[test]
fn links_devices_and_folders_are_problems() {
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Fifo, EntryType::Directory]
    {
        assert_eq!(problems(&[("v1/a", kind, b"")]).len(), 1, "{kind:?}");
    }
    assert!(problems(&[("v1/", EntryType::Directory, b""), ("v1/a", FILE, b"1")]).is_empty());
    assert_eq!(
        problems(&[("v1/a", FILE, b"1"), ("v1/a", FILE, b"2")]),
        ["\"a\" stands twice in the archive"]
    );
}

#[test]
fn an_archive_that_unpacks_without_end_is_given_up() {
    // Zeros compress a thousandfold: half a gigabyte and more in a few hundred kilobytes.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut header = Header::new_ustar();
    header.set_path("v1/bomb").expect("a path");
    header.set_entry_type(FILE);
    header.set_size(MOST_BYTES * 2);
    header.set_cksum();
    gzip.write_all(header.as_bytes()).expect("memory takes it");
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..=(MOST_BYTES >> 20) {
        gzip.write_all(&zeros).expect("memory takes it");
    }
    let bomb = gzip.finish().expect("memory takes it");
    assert!(unpack(bomb.as_slice()).is_err());
    let many: Vec<String> = (0..=MOST_FILES).map(|number| format!("v1/f{number}")).collect();
    let many: Vec<(&str, EntryType, &[u8])> =
        many.iter().map(|path| (path.as_str(), FILE, &b""[..])).collect();
    assert!(problems(&many).iter().any(|problem| problem.contains("more than 1000 files")));
}

#[test]
fn what_is_cut_off_or_goes_on_is_noticed() {
    let whole = archive(&[("v1/a", FILE, &[7; 5000])]);
    for length in [0, 1, 10, 20, whole.len() / 2, whole.len() - 1] {
        let cut = unpack(&whole[..length]);
        assert!(cut.is_err() || cut.is_ok_and(|found| !found.problems.is_empty()), "{length} bytes");
    }
    let mut longer = whole.clone();
    longer.extend(b"more");
    assert_eq!(
        unpack(longer.as_slice()).expect("an archive").problems,
        ["something follows the archive in its file"]
    );
    assert!(unpack(&b"no gzip at all"[..]).is_err());
}
