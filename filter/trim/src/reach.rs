//! Which functions of a module can ever run.

use std::collections::HashSet;
use wasmparser::{
    BinaryReaderError, ConstExpr, ElementItems, ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef,
};

/// What was found.
pub(crate) struct Reached {
    /// The functions that can run, by index; the imported ones come first.
    pub(crate) functions: HashSet<u32>,
    /// The index of the first function with a body.
    pub(crate) first_defined: u32,
    /// How many functions have one.
    pub(crate) defined: u32,
}

/// What can run when only these names are exported. Whatever stands in a table counts as reached: calls through a
/// table are not followed.
pub(crate) fn reached(wasm: &[u8], exports: &[&str]) -> Result<Reached, BinaryReaderError> {
    let mut found = Reached { functions: HashSet::new(), first_defined: 0, defined: 0 };
    let mut bodies: Vec<FunctionBody<'_>> = Vec::new();
    let mut ahead: Vec<u32> = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let is_function = matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
                    found.first_defined = found.first_defined.saturating_add(u32::from(is_function));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func && exports.contains(&export.name) {
                        ahead.push(export.index);
                    }
                }
            }
            Payload::StartSection { func, .. } => ahead.push(func),
            Payload::GlobalSection(section) => {
                for global in section {
                    named(&global?.init_expr, &mut ahead)?;
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    match element?.items {
                        ElementItems::Functions(functions) => {
                            for function in functions {
                                ahead.push(function?);
                            }
                        }
                        ElementItems::Expressions(_, expressions) => {
                            for expression in expressions {
                                named(&expression?, &mut ahead)?;
                            }
                        }
                    }
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            _ => {}
        }
    }
    found.defined = u32::try_from(bodies.len()).unwrap_or(u32::MAX);
    while let Some(function) = ahead.pop() {
        let body = function.checked_sub(found.first_defined).and_then(|at| bodies.get(usize::try_from(at).ok()?));
        if let Some(body) = body.filter(|_| found.functions.insert(function)) {
            for operator in body.get_operators_reader()? {
                match operator? {
                    Operator::Call { function_index }
                    | Operator::ReturnCall { function_index }
                    | Operator::RefFunc { function_index } => ahead.push(function_index),
                    _ => {}
                }
            }
        }
    }
    Ok(found)
}

/// The functions that a constant names.
fn named(expression: &ConstExpr<'_>, ahead: &mut Vec<u32>) -> Result<(), BinaryReaderError> {
    for operator in expression.get_operators_reader() {
        if let Operator::RefFunc { function_index } = operator? {
            ahead.push(function_index);
        }
    }
    Ok(())
}
