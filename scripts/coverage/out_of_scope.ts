/**
 * Names of the census that have no port: those in whose place a port writes nothing, and those that damo does not have on purpose, each with why.
 * What is neither here nor in the ports is missing.
 */
const GPU = "Theano's GPU back end; here devices have names and programs do not change";
const SPARSE = "sparse tensors";
const LISTS = "typed lists";
const C = "C code of ops; kernels are generated from the record of an op";
const PYTHON = "Python's own dictionaries";
const DEVICES = "functions run on `config.device` or the device they name, and values move by themselves";
const TEXT = "the drawing comes back as DOT text, to write or draw anywhere";

export const NOTHING_TO_WRITE: Readonly<Record<string, string>> = {
  "theano.config.warn.subtensor_merge_bug": "warns of a bug of old versions of Theano",
  "theano.config.gpuarray.sync": DEVICES,
  "theano.shared(target=)": DEVICES,
  "theano.gpuarray.use": DEVICES,
  ".get_value(return_internal_type=)": DEVICES,
  "theano.Mode(linker=)": "linkers; the steps of a function are in its plan, which `explain()` shows",
  "x[str]": PYTHON,
  "theano.printing.pydotprint(outfile=)": TEXT,
  "theano.printing.pydotprint(format=)": TEXT,
  "theano.printing.pydotprint(return_image=)": TEXT,
  "theano.tests.unittest_tools.seed_rng": "checks are seeded, and print their seed where they fail",
};

export const OUT_OF_SCOPE: Readonly<Record<string, string>> = {
  "theano.gpuarray.basic_ops.as_gpuarray_variable": GPU,
  "theano.gpuarray.basic_ops.infer_context_name": GPU,
  "theano.gpuarray.type.get_context": GPU,
  "theano.gpuarray.basic_ops.GpuAllocEmpty": GPU,
  "theano.gpuarray.basic_ops.GpuEye": GPU,
  "theano.gpuarray.basic_ops.GpuKernelBase": GPU,
  "theano.gpuarray.basic_ops.Kernel": GPU,
  "theano.gpuarray.basic_ops.Kernel.get_flags": GPU,
  "theano.gpuarray.basic_ops.gpu_contiguous": GPU,
  "theano.gpuarray.dnn.GpuDnnConvDesc": GPU,
  "theano.gpuarray.dnn.GpuDnnConvGradI": GPU,
  "theano.gpuarray.dnn.dnn_conv": GPU,
  "theano.gpuarray.fp16_help.write_w": GPU,
  "theano.gpuarray.fft.curfft": GPU,
  "theano.sandbox.cuda.CudaNdarray.zeros": GPU,
  "theano.sandbox.cuda.basic_ops.as_cuda_ndarray_variable": GPU,
  "theano.sandbox.cuda.basic_ops.gpu_contiguous": GPU,
  "theano.sparse.CSR": SPARSE,
  "theano.sparse.all_dtypes": SPARSE,
  "theano.sparse.csc_from_dense": SPARSE,
  "theano.sparse.csc_matrix": SPARSE,
  "theano.sparse.csm_properties": SPARSE,
  "theano.sparse.dense_from_sparse": SPARSE,
  "theano.sparse.structured_add": SPARSE,
  "theano.typed_list.TypedListType": LISTS,
  "theano.typed_list.append": LISTS,
  "theano.typed_list.length": LISTS,
  "theano.gof.COp": C,
  "theano.gof.COp.__init__": C,
  "theano.gof.OpWiseCLinker": C,
  "theano.compile.debugmode.DebugMode(check_c_code=)": C,
  "theano.gof.WrapLinkerMany": "linkers; the steps of a function are in its plan, which `explain()` shows",
  "theano.tests.breakpoint.PdbBreakpoint": "Python's debugger",
  "T.zmatrix": "complex numbers",
  "T.fft.rfft": "complex numbers",
  "theano.d3viz.d3viz": TEXT,
  "theano.d3viz.formatting.PyDotFormatter": TEXT,
};
