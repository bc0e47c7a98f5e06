terraform {
  # Conditions of a variable may name other variables from here on.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # From here on the data source aws_region has its region under that name.
      version = ">= 6.0"
    }
  }
}
