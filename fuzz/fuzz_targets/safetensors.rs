//! Any bytes as a safetensors file. What parses is written, and parses again to the same tensors; what was written once is written the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use viewbridge::files::safetensors::{self, Tensors};
use viewbridge::{Buffer, Order, StridedView};

fuzz_target!(|data: &[u8]| {
    let model = match safetensors::parse(Buffer::from_vec(data.to_vec())) {
        Ok(model) => model,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
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
