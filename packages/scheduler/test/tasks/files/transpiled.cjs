Object.defineProperty(exports, '__esModule', { value: true });
exports.default = (value) => value * 100;
exports.other = (value) => value * 1000;
