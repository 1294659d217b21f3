#include "client_abi.hpp"
