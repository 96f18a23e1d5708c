"""The stubs name what there is, and everything has a docstring."""

import ast
import inspect
import pathlib

import viewbridge as vb

STUBS = ast.parse((pathlib.Path(vb.__file__).parent / "__init__.pyi").read_text())


def test_the_stubs_name_everything():
    functions = {node.name for node in STUBS.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in STUBS.body if isinstance(node, ast.ClassDef)}
    assert functions | set(classes) | {"__version__"} == set(vb.__all__)
    for name, node in classes.items():
        stubbed = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        stubbed |= {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
        there = {part for part in vars(getattr(vb, name)) if not part.startswith("__")}
        assert there <= stubbed, name
        assert {part for part in stubbed if not part.startswith("__")} <= there, name


def test_the_stubs_have_the_parameters():
    for node in STUBS.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            stubbed = [argument.arg for argument in node.args.posonlyargs + node.args.args + node.args.kwonlyargs]
            there = [name for name, p in inspect.signature(getattr(vb, node.name)).parameters.items() if p.kind != p.VAR_POSITIONAL]
            assert stubbed == there, node.name


def test_everything_is_documented():
    for name in vb.__all__:
        if name == "__version__":
            continue
        thing = getattr(vb, name)
        assert thing.__doc__, name
        if isinstance(thing, type):
            for part, value in vars(thing).items():
                assert part.startswith("_") or value.__doc__, f"{name}.{part}"


def test_the_package_says_that_it_is_typed():
    assert (pathlib.Path(vb.__file__).parent / "py.typed").exists()
