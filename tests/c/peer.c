/* A producer and a consumer of DLPack tensors in plain C. The structs are written out as the specification (1.3) has them. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    uint32_t major;
    uint32_t minor;
} DLPackVersion;

typedef struct {
    uint32_t device_type;
    int32_t device_id;
} DLDevice;

typedef struct {
    uint8_t code;
    uint8_t bits;
    uint16_t lanes;
} DLDataType;

typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape;
    int64_t *strides;
    uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
    DLTensor dl_tensor;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

typedef struct DLManagedTensorVersioned {
    DLPackVersion version;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    DLTensor dl_tensor;
} DLManagedTensorVersioned;

/* Sizes and places of all fields, in the order of their declaration. */
size_t peer_layout(size_t k) {
    const size_t layout[] = {
        sizeof(DLTensor),
        offsetof(DLTensor, data),
        offsetof(DLTensor, device),
        offsetof(DLTensor, ndim),
        offsetof(DLTensor, dtype),
        offsetof(DLTensor, shape),
        offsetof(DLTensor, strides),
        offsetof(DLTensor, byte_offset),
        sizeof(DLManagedTensor),
        offsetof(DLManagedTensor, dl_tensor),
        offsetof(DLManagedTensor, manager_ctx),
        offsetof(DLManagedTensor, deleter),
        sizeof(DLManagedTensorVersioned),
        offsetof(DLManagedTensorVersioned, version),
        offsetof(DLManagedTensorVersioned, manager_ctx),
        offsetof(DLManagedTensorVersioned, deleter),
        offsetof(DLManagedTensorVersioned, flags),
        offsetof(DLManagedTensorVersioned, dl_tensor),
        sizeof(DLDataType),
        offsetof(DLDataType, bits),
        offsetof(DLDataType, lanes),
        sizeof(DLDevice),
        offsetof(DLDevice, device_id),
    };
    return k < sizeof layout / sizeof *layout ? layout[k] : SIZE_MAX;
}

/* Sum of the doubles of a tensor, each times its number in row-major order; -1 if they are no doubles on the CPU. */
double peer_sum(const DLTensor *tensor) {
    if (tensor->dtype.code != 2 || tensor->dtype.bits != 64 || tensor->dtype.lanes != 1 || tensor->device.device_type != 1)
        return -1;
    int64_t items = 1;
    for (int32_t axis = 0; axis < tensor->ndim; axis++)
        items *= tensor->shape[axis];
    const double *first = (const double *)((const char *)tensor->data + tensor->byte_offset);
    double sum = 0;
    for (int64_t k = 0; k < items; k++) {
        int64_t rest = k, place = 0;
        for (int32_t axis = tensor->ndim - 1; axis >= 0; axis--) {
            place += rest % tensor->shape[axis] * tensor->strides[axis];
            rest /= tensor->shape[axis];
        }
        sum += (double)(k + 1) * first[place];
    }
    return sum;
}

/* The same, and the end of the tensor. */
double peer_consume(DLManagedTensorVersioned *tensor) {
    double sum = tensor->version.major == 1 ? peer_sum(&tensor->dl_tensor) : -2;
    if (tensor->deleter)
        tensor->deleter(tensor);
    return sum;
}

double peer_consume_legacy(DLManagedTensor *tensor) {
    double sum = peer_sum(&tensor->dl_tensor);
    if (tensor->deleter)
        tensor->deleter(tensor);
    return sum;
}

/* Writes one item of a tensor that says that it may be written. */
int peer_write(DLManagedTensorVersioned *tensor, double value) {
    if (tensor->flags & 1)
        return 0;
    *(double *)tensor->dl_tensor.data = value;
    return 1;
}

static int deleted = 0;

int peer_deleted(void) { return deleted; }

static void delete_versioned(DLManagedTensorVersioned *self) {
    deleted++;
    free(self->manager_ctx);
    free(self->dl_tensor.shape);
    free(self);
}

static void delete_legacy(DLManagedTensor *self) {
    deleted++;
    free(self->manager_ctx);
    free(self->dl_tensor.shape);
    free(self);
}

/* rows x columns doubles, 0, 1, 2 ... in memory, seen with the rows in reverse order. */
static DLTensor reversed(int64_t rows, int64_t columns) {
    double *data = malloc((size_t)(rows * columns) * sizeof *data);
    int64_t *shape = malloc(4 * sizeof *shape);
    for (int64_t k = 0; k < rows * columns; k++)
        data[k] = (double)k;
    shape[0] = rows;
    shape[1] = columns;
    shape[2] = -columns;
    shape[3] = 1;
    DLTensor tensor = {data, {1, 0}, 2, {2, 64, 1}, shape, shape + 2, (uint64_t)((rows - 1) * columns) * sizeof *data};
    return tensor;
}

DLManagedTensorVersioned *peer_produce(int64_t rows, int64_t columns, uint64_t flags) {
    DLManagedTensorVersioned *managed = malloc(sizeof *managed);
    managed->version.major = 1;
    managed->version.minor = 3;
    managed->deleter = delete_versioned;
    managed->flags = flags;
    managed->dl_tensor = reversed(rows, columns);
    managed->manager_ctx = managed->dl_tensor.data;
    return managed;
}

DLManagedTensor *peer_produce_legacy(int64_t rows, int64_t columns) {
    DLManagedTensor *managed = malloc(sizeof *managed);
    managed->deleter = delete_legacy;
    managed->dl_tensor = reversed(rows, columns);
    managed->manager_ctx = managed->dl_tensor.data;
    return managed;
}
