//! The tensors of a safetensors file, by the names that a model family gives them.

use std::collections::HashMap;

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;

use super::lookup::Lookup;
use super::scaled::ScaledRows;
use crate::embed::EmbedError;
use crate::embed::source::{ModelFiles, WEIGHTS, within};
use crate::kernels::gemm::PackedMatrix;
use crate::kernels::norm::LayerNorm;
use crate::kernels::{Isa, Precision};

/// The weights of a model, read from its files as they are asked for.
pub(super) struct Weights<'a> {
    model: String,
    /// The file, or the first of several.
    file: String,
    files: Vec<SliceSafetensors<'a>>,
    /// In which of the files each tensor is.
    places: HashMap<String, usize>,
    /// What stands before every name: empty, or the model's name inside a larger one, such as `bert.`.
    prefix: String,
}

impl<'a> Weights<'a> {
    /// Reads the transformer's; `probe` is the name of a tensor that the family cannot do without.
    pub(super) fn load(files: &'a ModelFiles, probe: &str) -> Result<Self, EmbedError> {
        let mut weights = Self::of_model(files)?;
        weights.prefix = weights
            .places
            .keys()
            .filter_map(|name| name.strip_suffix(probe))
            .min_by_key(|prefix| prefix.len())
            .ok_or_else(|| weights.wrong(format!("holds no tensor \"{probe}\": its weights are of another family")))?
            .to_owned();
        Ok(weights)
    }

    /// Reads those that a whole model has beside its transformer, under their full names.
    pub(super) fn of_model(files: &'a ModelFiles) -> Result<Self, EmbedError> {
        Self::read(files, &files.weights())
    }

    /// Reads a module's, from the folder of its own.
    pub(super) fn of_module(files: &'a ModelFiles, folder: &str) -> Result<Self, EmbedError> {
        Self::read(files, &[within(folder, WEIGHTS)])
    }

    /// Every tensor of the model, integers with scales as what they stand for.
    pub(super) fn all(&self) -> Result<HashMap<String, Tensor>, EmbedError> {
        let scales = |name: &str| name.strip_suffix("_scale").is_some_and(|of| self.places.contains_key(of));
        let names = self.places.keys().filter(|name| !scales(name));
        names.filter_map(|name| self.get(name).map(|found| Some((name.clone(), found?))).transpose()).collect()
    }

    fn read(files: &'a ModelFiles, names: &[String]) -> Result<Self, EmbedError> {
        let (mut read, mut places) = (Vec::new(), HashMap::new());
        for name in names {
            let wrong = |what: String| EmbedError::Model { model: files.id.clone(), file: name.clone(), what };
            let bytes = files
                .get(name)
                .ok_or_else(|| wrong("is missing: only weights as safetensors are supported".to_owned()))?;
            let file = SliceSafetensors::new(bytes)
                .map_err(|error| wrong(format!("is damaged or cut short ({error}): fetch or copy it again")))?;
            places.extend(file.tensors().into_iter().map(|(tensor, _)| (tensor, read.len())));
            read.push(file);
        }
        let file = names.first().cloned().unwrap_or_default();
        Ok(Self { model: files.id.clone(), file, files: read, places, prefix: String::new() })
    }

    /// A tensor under its full name, if there is one; integers with scales as what they stand for.
    fn get(&self, name: &str) -> Result<Option<Tensor>, EmbedError> {
        if let Some(scaled) = self.scaled(name)? {
            return Ok(Some(scaled.to_tensor()?));
        }
        let Some(&file) = self.places.get(name) else { return Ok(None) };
        Ok(Some(self.files[file].load(name, &Device::Cpu)?))
    }

    /// A matrix of 8-bit integers under its full name, if there is one.
    fn scaled(&self, name: &str) -> Result<Option<ScaledRows>, EmbedError> {
        let Some(&file) = self.places.get(name) else { return Ok(None) };
        let codes = self.files[file].get(name)?;
        if codes.dtype() != Dtype::I8 {
            return Ok(None);
        }
        let beside = format!("{name}_scale");
        let Some(&file) = self.places.get(&beside) else {
            return Err(self.wrong(format!("\"{name}\" is of 8-bit integers, but there is no \"{beside}\" beside it")));
        };
        if self.places.contains_key(&format!("{name}_zero_point")) {
            return Err(self.wrong(format!("\"{name}\" is of 8-bit integers with zero points, which is not supported")));
        }
        let scales = self.files[file].load(&beside, &Device::Cpu)?;
        if !scales.dtype().is_float() {
            return Err(self.wrong(format!("\"{beside}\" is of {:?}: scales are f16, bf16 or f32", scales.dtype())));
        }
        let scales: Vec<f32> = scales.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        if scales.iter().any(|scale| !scale.is_finite()) {
            return Err(self.wrong(format!("\"{beside}\" holds a scale that is no finite number")));
        }
        match *codes.shape() {
            [rows, width] if rows == scales.len() && rows > 0 && width > 0 => {
                Ok(Some(ScaledRows::new(codes.data(), scales, width)))
            }
            ref shape => Err(self.wrong(format!(
                "\"{name}\" is of 8-bit integers of shape {shape:?}, but has {} scales: rows of them are expected, with one each",
                scales.len()
            ))),
        }
    }

    /// A table of vectors of the shape that the configuration asks for, in the numbers that it has in the file.
    pub(super) fn lookup(&self, name: &str, shape: [usize; 2]) -> Result<Lookup, EmbedError> {
        let full = format!("{}{name}", self.prefix);
        match self.scaled(&full)? {
            Some(scaled) if [scaled.rows(), scaled.width()] == shape => Ok(Lookup::Scaled(scaled)),
            _ => Ok(Lookup::new(&self.tensor(name, &shape)?)?),
        }
    }

    fn wrong(&self, what: String) -> EmbedError {
        EmbedError::Model { model: self.model.clone(), file: self.file.clone(), what }
    }

    fn find(&self, name: &str) -> Result<Tensor, EmbedError> {
        let full = format!("{}{name}", self.prefix);
        let tensor = match self.get(&full)? {
            Some(tensor) => tensor,
            // Checkpoints of 2019 name the parts of a layer normalisation after the paper.
            None => self.get(&old_name(&full))?.ok_or_else(|| self.wrong(format!("holds no tensor \"{full}\"")))?,
        };
        match tensor.dtype() {
            DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Ok(tensor),
            other => Err(self.wrong(format!(
                "\"{full}\" is of {other:?}: weights are f16, bf16, f32, or int8 with one scale a row"
            ))),
        }
    }

    /// A tensor of whole numbers.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<u32>, EmbedError> {
        let tensor = self.get(name)?.ok_or_else(|| self.wrong(format!("holds no tensor \"{name}\"")))?;
        Ok(tensor.to_dtype(DType::U32)?.flatten_all()?.to_vec1()?)
    }

    /// A tensor as stored, of the shape that the configuration asks for.
    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, EmbedError> {
        let tensor = self.find(name)?;
        if tensor.dims() != shape {
            return Err(self.wrong(format!(
                "the shape of \"{}{name}\" is {:?}, but the model's files ask for {shape:?}",
                self.prefix,
                tensor.dims()
            )));
        }
        Ok(tensor)
    }

    /// The first `rows` rows of a table of `width` columns, as f32; the table may have more.
    pub(super) fn leading_rows(&self, name: &str, rows: usize, width: usize) -> Result<Tensor, EmbedError> {
        let table = self.find(name)?;
        match table.dims() {
            [all, columns] if *all >= rows && *columns == width => {
                Ok(table.narrow(0, 0, rows)?.to_dtype(DType::F32)?.contiguous()?)
            }
            other => Err(self.wrong(format!(
                "the shape of \"{}{name}\" is {other:?}, but config.json asks for at least [{rows}, {width}]",
                self.prefix
            ))),
        }
    }

    /// The weights and biases of linear layers of shape `(rows, columns)`, one after the other, packed as one.
    pub(super) fn packed(
        &self,
        names: &[String],
        (rows, columns): (usize, usize),
        isa: Isa,
        precision: Precision,
    ) -> Result<PackedMatrix, EmbedError> {
        let (mut matrix, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            matrix.extend(self.values(&format!("{name}.weight"), &[rows, columns])?);
            bias.extend(self.values(&format!("{name}.bias"), &[rows])?);
        }
        Ok(PackedMatrix::new(isa, precision, &matrix, Some(&bias), rows * names.len(), columns))
    }

    /// A layer normalisation.
    pub(super) fn norm(&self, name: &str, width: usize, epsilon: f32) -> Result<LayerNorm, EmbedError> {
        let weight = self.values(&format!("{name}.weight"), &[width])?;
        let bias = self.values(&format!("{name}.bias"), &[width])?;
        Ok(LayerNorm { weight, bias, epsilon })
    }

    /// A tensor as f32 values in row-major order.
    pub(super) fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EmbedError> {
        Ok(self.tensor(name, shape)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }
}

fn old_name(name: &str) -> String {
    name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
}
