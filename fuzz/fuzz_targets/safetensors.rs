//! Any bytes as a safetensors file. What parses is written, and parses again to the same tensors; what was written once is written the same again.
#![no_main]

use std::io::Cursor;

use ::safetensors::SafeTensors;
use libfuzzer_sys::fuzz_target;
use viewbridge::files::safetensors::{self, Tensors};
use viewbridge::{Buffer, Error, Order, SafetensorsFault, StridedView};

fuzz_target!(|data: &[u8]| {
    let reference = SafeTensors::read_metadata(data);
    let described = safetensors::describe(Cursor::new(data));
    let model = match safetensors::parse(Buffer::from_vec(data.to_vec())) {
        Ok(model) => model,
        Err(error) => {
            // Only this crate minds two tensors of one name, and axes without end.
            let ours = matches!(
                error,
                Error::Safetensors(SafetensorsFault::Duplicate { .. } | SafetensorsFault::UnknownType { .. })
                    | Error::Layout(_)
            );
            assert!(reference.is_err() || ours, "{error}");
            return assert_eq!(error.to_string(), described.expect_err("the same").to_string());
        }
    };
    let (_, reference) = reference.expect("what is valid here is valid there");
    assert_eq!(reference.tensors().len(), model.tensors.len());
    let described = described.expect("a file that parses");
    for (listed, tensor) in described.iter().zip(&model.tensors) {
        let info = reference.info(&tensor.name).expect("every name");
        assert_eq!(
            (listed.name(), &*info.shape),
            (Some(tensor.name.as_str()), tensor.view.shape())
        );
        assert_eq!(listed.layout().strides(), tensor.view.strides());
    }
    let file = write(&model);
    let again = safetensors::parse(Buffer::from_vec(file.clone())).expect("what was written");
    assert_eq!(again.metadata, model.metadata);
    assert_eq!(again.tensors.len(), model.tensors.len());
    for tensor in &model.tensors {
        let found = again.get(&tensor.name).expect("every name");
        assert_eq!(
            (found.dtype(), found.shape()),
            (tensor.view.dtype(), tensor.view.shape())
        );
        let bytes = |view: &StridedView<'_>| view.to_bytes(Order::C).expect("as many bytes as the file has");
        assert_eq!(bytes(found), bytes(&tensor.view));
    }
    assert_eq!(write(&again), file);
});

fn write(model: &Tensors<'_>) -> Vec<u8> {
    let list: Vec<_> = model.tensors.iter().map(|t| (t.name.as_str(), &t.view)).collect();
    let metadata = model.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let mut file = Vec::new();
    safetensors::write_to(&mut file, &list, metadata).expect("what was read");
    file
}
