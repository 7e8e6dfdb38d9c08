//! The TerraformWorkspace controller: the native backend.
