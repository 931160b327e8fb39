// SPDX-License-Identifier: Apache-2.0
//
// Parameter types of functions that run in a cell: views of memory in the cell.
// The cell holds copies; the caller's own bytes are out of its reach.
#ifndef SBM_VIEWS_HPP
#define SBM_VIEWS_HPP

#include <cstddef>

namespace sbm {

template <class T> class In {
public:
    using element_type = const T;
    In() = default;
    In(const T *data, std::size_t size) : data_(data), size_(size) {}
    const T *data() const { return data_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    const T &operator[](std::size_t i) const { return data_[i]; }
    const T *begin() const { return data_; }
    const T *end() const { return data_ + size_; }
    const T &operator*() const { return *data_; }
    const T *operator->() const { return data_; }

private:
    const T *data_ = nullptr;
    std::size_t size_ = 0;
};

// Out<T> is zero before the call; InOut<T> holds the caller's bytes.
template <class T> class Out {
public:
    using element_type = T;
    Out() = default;
    Out(T *data, std::size_t size) : data_(data), size_(size) {}
    T *data() const { return data_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T &operator[](std::size_t i) const { return data_[i]; }
    T *begin() const { return data_; }
    T *end() const { return data_ + size_; }
    T &operator*() const { return *data_; }
    T *operator->() const { return data_; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
template <class T> class InOut : public Out<T> {
public:
    using Out<T>::Out;
};

} // namespace sbm

#endif
